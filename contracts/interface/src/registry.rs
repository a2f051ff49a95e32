//! Native module `registry`: members, the holders they enrol, names, keys.
use countersign_types::{AccountId, Authority, List, Name, PublicKey, Role, Text};

crate::interface! {
    module "registry";
    types {}
    errors {
        1 NotTheCouncil "The signers are not enough members of the council.";
        2 NotAMember "Only an active member may do this.";
        3 NameTaken "The name belongs to another account.";
        4 AccountExists "The account is enrolled already.";
        5 NotAtThisSite "The name is not one at the member's site.";
        6 NoSuchAccount "There is no such account.";
        7 NotTheEnroller "Only the member that enrolled the holder may do this.";
        8 BadKey "The key is not a usable ed25519 key.";
        9 BadAuthority "The authority's keys are not sorted and distinct, or its threshold cannot be reached.";
        10 BadRoles "Roles must be sorted and without duplicates.";
        11 LocksOutTheCouncil "After this change the council could no longer act.";
        12 NotAMemberName "A member's name has no @ in it.";
        13 BadEndpoint "A site's endpoint is https://host or https://host:port, or empty if it has no users.";
        14 BadRelays "A site grants at most 8 relays, each once.";
        15 NotARelay "A relay is an admitted node of an active member with the role relay.";
    }
    events {
        /// An organisation became a member.
        Admitted { member: AccountId, name: Name }
        /// A member's roles changed.
        RolesChanged { member: AccountId, roles: List<Role> }
        /// A member was suspended or resumed.
        MemberSuspensionChanged { member: AccountId, suspended: bool }
        /// A holder's account came into being.
        Enrolled { holder: AccountId, name: Name, member: AccountId }
        /// A holder was suspended or resumed.
        HolderSuspensionChanged { holder: AccountId, suspended: bool }
        /// Other keys sign for an account.
        AuthorityChanged { account: AccountId }
        /// An account receives sealed messages under another key.
        EncryptionKeyChanged { account: AccountId }
        /// A member has a site, or another one.
        SiteChanged { member: AccountId }
    }
    calls {
        /// Admits an organisation; its account is that of its key.
        Admit = admit(council[*]) { name: Name, key: PublicKey, roles: List<Role> } "Admit {name} as a member with key {key} and roles {roles}";
        /// Replaces a member's roles.
        SetRoles = set_roles(council[*]) { member: AccountId, roles: List<Role> } "Set the roles of {member} to {roles}";
        /// Suspends a member with all its holders, or resumes it.
        SetMemberSuspended = set_member_suspended(council[*]) { member: AccountId, suspended: bool } "Set the member {member} suspended: {suspended}";
        /// Enrols a person at the member's site; the account is that of the key, whose owner signs too.
        Enrol = enrol(member, holder) { name: Name } "Enrol {holder} as {name} with {member}";
        /// Suspends a holder or resumes it.
        SetHolderSuspended = set_holder_suspended(member) { holder: AccountId, suspended: bool } "Set {holder} suspended: {suspended}";
        /// Replaces the keys that sign for an account.
        SetAuthority = set_authority(account) { authority: Authority } "Let {authority} sign for {account}";
        /// Sets the key under which an account receives sealed messages.
        SetEncryptionKey = set_encryption_key(account) { key: PublicKey } "Receive sealed messages for {account} under {key}";
        /// Sets where relays have log-ins of a member's users verified, and which nodes relay for them; the first keeps their messages.
        SetSite = set_site(member) { endpoint: Text, key: PublicKey, relays: List<PublicKey> } "Serve the users of {member} at the site {endpoint}, whose answers {key} signs, through the relays {relays}; the first keeps their messages";
    }
    scheduled {}
    queries {}
}
