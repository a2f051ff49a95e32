//! Native module `governance`: who governs, who votes, who may connect, and the chain's parameters.
use countersign_types::{AccountId, List, PublicKey, Text};

crate::interface! {
    module "governance";
    types {
        /// A new value of one of the chain's parameters, by its name.
        struct ParameterChange { name: Text, value: u64 }
    }
    errors {
        1 NotTheCouncil "The signers are not enough members of the council.";
        2 NotAMember "Only active members join the council or run nodes.";
        3 BadCouncil "A member of the council is given twice, there are more than 64, or the threshold is not 1 to their number.";
        4 LocksOutTheCouncil "After this change the council could no longer act.";
        5 BadKey "The key is not a usable ed25519 key.";
        6 BadPower "A validator's power is 1 to 2^32, and there are at most 100 validators.";
        7 NoSuchValidator "There is no validator with this key.";
        8 LosesTheQuorum "After this change the validators that are known to run would not have more than two thirds of the power.";
        9 UnknownParameter "There is no parameter with this name, or it is named twice.";
        10 BadParameter "The value of a parameter is out of its range; simulate the call to see which.";
        11 BadAddress "The address is not /ip4, /ip6, /dns4 or /dns6 with a host, then /tcp with a port.";
        12 TooManyNodes "There are 200 active nodes already.";
        13 NoSuchNode "There is no such node.";
        14 NotTheOperator "Only the member that runs the node may do this.";
        15 NothingChanges "Everything is so already.";
    }
    events {
        /// Other members govern, or another number of them must sign: so many of so many.
        CouncilChanged { members: u16, threshold: u16 }
        /// A validator's power changed; 0 if it is one no more. It holds from the block at `from` on.
        ValidatorChanged { key: PublicKey, power: u64, from: u64 }
        /// Parameters changed. They hold from the next block on.
        ParametersChanged { changes: List<ParameterChange> }
        /// A node may connect, or is reached elsewhere.
        NodeAdmitted { key: PublicKey, member: AccountId, address: Text }
        /// A node may no longer connect.
        NodeRemoved { key: PublicKey, member: AccountId }
        /// A validator was caught contradicting itself.
        Equivocated { validator: PublicKey, height: u64, round: u32 }
    }
    calls {
        /// Replaces the council.
        SetCouncil = set_council(council[*]) { members: List<AccountId>, threshold: u16 } "Let {members} be the council, of whom {threshold} must sign";
        /// Makes a validator, or changes its power. Holds two blocks later.
        SetValidator = set_validator(council[*]) { key: PublicKey, power: u64 } "Let the validator {key} vote with power {power}";
        /// Takes a validator's vote. Holds two blocks later.
        RemoveValidator = remove_validator(council[*]) { key: PublicKey } "Take the vote of the validator {key}";
        /// Changes parameters of the chain, all at once or none. They hold from the next block on.
        SetParameters = set_parameters(council[*]) { changes: List<ParameterChange> } "Change the chain's parameters: {changes}";
        /// Lets a node connect, by its network key, or changes what is listed of it. An empty address is of a node that only dials.
        AdmitNode = admit_node(council[*]) { key: PublicKey, member: AccountId, address: Text } "Admit the node {key} of {member} at {address}";
        /// Stops a node from connecting. Whether it votes is another matter: see `remove_validator`.
        RemoveNode = remove_node(council[*]) { key: PublicKey } "Remove the node {key} from the network";
        /// Tells where peers reach a node.
        SetNodeAddress = set_node_address(member) { key: PublicKey, address: Text } "Let the node {key} of {member} be reached at {address}";
    }
    scheduled {}
    queries {}
}
