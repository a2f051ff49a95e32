//! Native module `assets`: what value is counted in, and moving it.
use countersign_types::{AccountId, Amount, AssetId, List, Text};

crate::interface! {
    module "assets";
    types {
        /// One payment of several.
        struct Payment { to: AccountId, amount: Amount }
    }
    errors {
        1 AssetExists "An asset with this symbol exists already; choose another symbol.";
        2 NotAnIssuer "Only an active member with the role issuer creates assets.";
        3 NotTheIssuer "Only the asset's issuer may do this.";
        4 TooManyDecimals "An asset has at most 18 decimals.";
        5 AmountZero "The amount is zero.";
        6 SamePayerAndPayee "Payer and payee are the same account.";
        7 NoPayments "The list of payments is empty.";
    }
    events {
        /// An asset came into being.
        Created { asset: AssetId, issuer: AccountId, decimals: u8, title: Text }
        /// Value was issued to an account.
        Issued { asset: AssetId, to: AccountId, amount: Amount }
        /// Value moved.
        Transferred { asset: AssetId, from: AccountId, to: AccountId, amount: Amount, reference: Text }
        /// Value was taken out of circulation.
        Burnt { asset: AssetId, from: AccountId, amount: Amount }
        /// Nobody can move the asset, or everybody can again.
        FreezeChanged { asset: AssetId, frozen: bool }
    }
    calls {
        /// Creates an asset of which nothing is issued yet.
        Create = create(issuer) { asset: AssetId, decimals: u8, title: Text } "Create the asset {asset} ({title}) with {decimals} decimals, issued by {issuer}";
        /// Issues new value.
        Issue = issue(issuer) { asset: AssetId, to: AccountId, amount: Amount } "Issue {amount} {asset} to {to}";
        /// Pays one account.
        Transfer = transfer(payer) { asset: AssetId, to: AccountId, amount: Amount, reference: Text } "Pay {amount} {asset} from {payer} to {to} ({reference})";
        /// Pays several accounts at once.
        TransferMany = transfer_many(payer) { asset: AssetId, payments: List<Payment>, reference: Text } "Pay from {payer} in {asset}: {payments} ({reference})";
        /// Takes value of one's own out of circulation.
        Burn = burn(owner) { asset: AssetId, amount: Amount } "Burn {amount} {asset} of {owner}";
        /// Stops or resumes all movement of the asset.
        SetFrozen = set_frozen(issuer) { asset: AssetId, frozen: bool } "Set {asset} frozen: {frozen}";
    }
    scheduled {}
    queries {}
}
