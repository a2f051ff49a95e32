//! Contract `topup`: a holder without a bank card tops up, cashes out or pays somebody through an agent's account, against cash.
use countersign_types::{AccountId, Amount, AssetId, Hash, Text, Timestamp};
use parity_scale_codec::{Decode, Encode};

crate::interface! {
    module "topup";
    types {
        /// What is asked for. TopUp: the agent pays the holder. CashOut: the holder pays the agent. Payment: the agent pays a payee.
        /// The other way goes cash.
        choice Kind { TopUp, CashOut, Payment }
        /// Who may carry a request out. Proxy: any licensed agent. Own: only the member that enrolled the holder, and its agents.
        choice Mode { Proxy, Own }
        /// Where a request stands. Open: waits for an agent. HandingOver: an agent hands over the cash of a cash-out, the holder has
        /// yet to confirm it. All others are final.
        choice State { Open, HandingOver, Done, Cancelled, Rejected, Expired }
        /// A request. `agent` is the only one that may carry it out while it is open, if the holder named one, and then the one that
        /// did. `ends_at` is when the ledger closes it by itself: its expiry, or while cash is handed over the end of the time
        /// to confirm that.
        struct RequestRecord { holder: AccountId, mode: Mode, kind: Kind, asset: AssetId, amount: Amount, fee: Amount, payee: Option<AccountId>, reference: Text, agent: Option<AccountId>, requested_at: Timestamp, ends_at: Timestamp, job: u64, state: State }
        /// What a member lets an agent do in an asset.
        struct Licence { member: AccountId, per_request: Amount, per_day: Amount }
        /// An agent's licence as it counts now: `used` of `per_day` went through the agent this day (UTC); `valid` if its member is
        /// active and has the role agent.
        struct LicenceStatus { member: AccountId, per_request: Amount, per_day: Amount, used: Amount, valid: bool }
    }
    errors {
        1 AmountZero "The amount is zero.";
        2 SameAccount "Holder, agent and payee must be different accounts.";
        3 BadPayee "A payment names who is paid; a top-up or cash-out names nobody.";
        4 PayeeUnavailable "The payee is not an active account.";
        5 AssetUnavailable "The asset does not exist or is frozen.";
        6 InsufficientFunds "The paying account holds too little.";
        7 AmountTooLarge "Amount and fee together are more than an amount can be.";
        8 BadExpiry "The request must end later than now and at most 30 days from now.";
        9 RequestExists "This call made a request already; each request needs a call of its own.";
        10 UnknownRequest "There is no such request.";
        11 RequestDiffers "What is signed differs from the request; look it up again.";
        12 NotTheHolder "The request is of another holder.";
        13 NotTheAgent "The request is for another agent, or for no agent in particular.";
        14 NotOpen "An agent has taken the request on or carried it out, or it was cancelled, rejected or has expired.";
        15 RequestExpired "The request has expired.";
        16 HolderSuspended "The holder or the member that enrolled it is suspended.";
        17 NotLicensed "The account is neither an active member with the role agent nor licensed by one for this asset.";
        18 OtherMember "The request is for the member that enrolled the holder and its agents only.";
        19 OverRequestLimit "The amount is above what the agent's licence allows in one request.";
        20 OverDayLimit "With this amount the agent would be above what its licence allows in a day (UTC).";
        21 NotHandingOver "No agent is handing over cash for this request.";
        22 ConfirmationLate "The time to confirm is over; the money goes back to the holder.";
        23 NotYetDue "The request's time has not come yet.";
        24 NotAnAgentMember "Only an active member with the role agent licenses agents.";
        25 LicensedElsewhere "Another member has licensed the account for this asset; that licence has to end first.";
        26 BadLimits "The limit per request must be above zero and not above the limit per day.";
        27 UnknownLicence "The account has no licence for this asset.";
        28 NotYourLicence "Only the member that gave the licence or the agent that holds it ends it.";
    }
    events {
        /// A holder asks; `request` is the business id that an agent is shown. Of a cash-out, amount and fee were set aside.
        Requested { request: Hash, holder: AccountId, mode: Mode, kind: Kind, asset: AssetId, amount: Amount, fee: Amount, payee: Option<AccountId>, agent: Option<AccountId>, reference: Text, expires_at: Timestamp }
        /// An agent took a cash-out on: it hands over the cash, and is paid when the holder confirms that.
        HandingOver { request: Hash, holder: AccountId, agent: AccountId, asset: AssetId, amount: Amount, fee: Amount, confirm_until: Timestamp }
        /// A request was carried out: `paid` moved from `payer` to `receiver`.
        CarriedOut { request: Hash, kind: Kind, holder: AccountId, agent: AccountId, payer: AccountId, receiver: AccountId, asset: AssetId, paid: Amount, fee: Amount, reference: Text }
        /// The holder took its request back.
        Cancelled { request: Hash, holder: AccountId, agent: Option<AccountId>, asset: AssetId, returned: Amount }
        /// The agent does not carry the request out.
        Rejected { request: Hash, holder: AccountId, agent: AccountId, asset: AssetId, returned: Amount, reason: Text }
        /// Nobody carried the request out in time, or nobody confirmed that cash was handed over.
        Expired { request: Hash, holder: AccountId, agent: Option<AccountId>, asset: AssetId, returned: Amount }
        /// A member lets an account carry out requests.
        Licensed { member: AccountId, agent: AccountId, asset: AssetId, per_request: Amount, per_day: Amount }
        /// A licence ended.
        LicenceWithdrawn { member: AccountId, agent: AccountId, asset: AssetId }
    }
    calls {
        /// Asks for a top-up, a cash-out or a payment. The business id is the hash the event carries. The fee comes on top: for a
        /// top-up or payment the holder hands the agent amount and fee in cash; of a cash-out both are set aside from the holder
        /// now, and the agent hands over the amount.
        Request = request(holder) { mode: Mode, kind: Kind, asset: AssetId, amount: Amount, fee: Amount, payee: Option<AccountId>, agent: Option<AccountId>, reference: Text, expires_at: Timestamp } "{holder} asks for a {kind} of {amount} {asset} through an agent who gets a fee of {fee} {asset} on top (paid to: {payee}, for {reference}, mode: {mode}, only by: {agent}), until {expires_at}";
        /// The agent carries a request out. A top-up or payment is paid from the agent's account now; a cash-out is the agent's to hand
        /// over, until the holder confirms it. What the agent saw is signed with it.
        Execute = execute(agent) { request: Hash, kind: Kind, holder: AccountId, payee: Option<AccountId>, asset: AssetId, amount: Amount, fee: Amount } "{agent} carries out the {kind} of {amount} {asset} for {holder}, for a fee of {fee} {asset} (paid to: {payee}; request {request})";
        /// The holder has the cash of a cash-out: the agent is paid what was set aside.
        Confirm = confirm(holder) { request: Hash, agent: AccountId, asset: AssetId, amount: Amount, fee: Amount } "{holder} has received {amount} {asset} in cash from {agent}, who is now paid that and the fee of {fee} {asset} (request {request})";
        /// The holder takes back a request that no agent has taken on.
        Cancel = cancel(holder) { request: Hash } "{holder} takes back the request {request}; what was set aside for it returns to {holder}";
        /// An agent refuses a request that names it, or gives up a cash-out it took on.
        Reject = reject(agent) { request: Hash, reason: Text } "{agent} does not carry out the request {request}, because {reason}; what was set aside for it returns to its holder";
        /// Closes a request whose time has come and which the ledger could not close by itself, because its asset was frozen then.
        /// Anyone may ask; who gets what does not depend on the asker.
        Collect = collect(asker) { request: Hash } "{asker} asks for the request {request} to be closed now that its time has come; what was set aside for it returns to its holder";
        /// A member lets an account carry out requests in an asset, up to an amount in one request and in one day (UTC). Replaces the
        /// licence the member gave it before; what went through the agent this day stays counted.
        License = license(member, agent) { asset: AssetId, per_request: Amount, per_day: Amount } "{member} lets {agent} carry out requests of up to {per_request} {asset} each and {per_day} {asset} a day";
        /// The member or the agent ends a licence. Cash-outs the agent has taken on are still confirmed and paid.
        Withdraw = withdraw(party) { agent: AccountId, asset: AssetId } "{party} ends the licence of {agent} to carry out requests in {asset}";
    }
    scheduled {
        /// Closes a request nobody carried out or confirmed in time.
        Expire = expire { request: Hash }
    }
    queries {
        /// A request by its business id.
        RequestOf = request_of { request: Hash } -> RequestRecord;
        /// The licence of an account that is no member with the role agent.
        LicenceOf = licence_of { agent: AccountId, asset: AssetId } -> LicenceStatus;
        /// What the contract holds for cash-outs that are not closed.
        SetAside = set_aside { asset: AssetId } -> Amount;
    }
}

/// The map of [`RequestRecord`]s by business id.
pub const REQUESTS: u8 = 0;
/// The map of [`Licence`]s by agent and asset.
pub const LICENCES: u8 = 1;
/// The map of [`DayUse`]s by agent and asset.
pub const USED: u8 = 2;
/// The map of the sums set aside for cash-outs, by asset.
pub const SET_ASIDE: u8 = 3;

/// What went through an agent on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DayUse {
    /// Days since the Unix epoch, in UTC.
    pub day: u64,
    /// The sum of the amounts, without fees.
    pub amount: Amount,
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Days since the Unix epoch in UTC, which has no leap seconds in milliseconds.
pub const fn day(time: Timestamp) -> u64 {
    time.millis() / DAY_MS
}
