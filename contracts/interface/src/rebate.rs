//! Contract `rebate`: a customer who brings a newcomer is paid back part of the price. The merchant cannot default on it.
use countersign_types::{AccountId, Amount, AssetId, Document, DocumentKind, Hash, SignedDocument, Text, Timestamp};
use parity_scale_codec::Encode;

crate::interface! {
    module "rebate";
    types {
        /// Body of the document `rebate/Offer`, signed by merchant, customer and third party in this order: the newcomer's
        /// price, until when, and what the customer gets for it.
        struct Offer { purchase: Hash, asset: AssetId, price: Amount, deadline: Timestamp, rebate: Amount, rebate_time: Timestamp, purchase_required: bool }
        /// Where a rebate stands. Pending: landed, its amount set aside, no new purchase yet. Locked: the new purchase happened.
        /// Paid and Reversed: settled.
        choice State { Pending, Locked, Paid, Reversed }
        /// A first-type transaction that took place.
        struct PurchaseRecord { merchant: AccountId, buyer: AccountId, asset: AssetId, amount: Amount, refunded: Amount, at: Timestamp, reference: Text, offer: Option<Hash> }
        /// A second-type transaction that landed.
        struct RebateRecord { offer: Hash, merchant: AccountId, customer: AccountId, third_party: AccountId, asset: AssetId, amount: Amount, paid: Amount, settles_at: Timestamp, purchase_required: bool, purchase: Option<Hash>, state: State }
    }
    errors {
        1 AmountZero "The amount is zero.";
        2 NotAMerchant "The merchant is not an active member with the role merchant.";
        3 SameAccount "The parties must be different accounts.";
        4 InsufficientFunds "The paying account holds too little.";
        5 UnknownPurchase "There is no such purchase.";
        6 NotTheMerchant "The purchase or offer is of another merchant.";
        7 NotTheCustomer "The purchase or offer is of another customer.";
        8 NotTheThirdParty "The offer is for another third party.";
        9 BadOffer "The document is not an offer for these parties, or its body is malformed.";
        10 OfferNotSigned "The offer lacks a valid signature of one of its parties, or has expired.";
        11 PriceNotLower "The newcomer's price must be lower than the first price.";
        12 DeadlineAfterRebate "The offer's deadline must be before its rebate time.";
        13 DeadlinePassed "The offer's deadline has passed.";
        14 OfferUsed "The offer was redeemed already.";
        15 RebateTimePassed "The rebate time has passed.";
        16 RebateExists "The rebate transaction of this offer has landed already.";
        17 RebateDiffers "Amount or time differ from the offer.";
        18 UnknownRebate "There is no such rebate.";
        19 RefundTooLarge "More would be refunded than was paid.";
        20 AssetUnavailable "The asset does not exist or is frozen.";
        21 RebateTooLarge "The rebate must not exceed the newcomer's price.";
        22 NotYetDue "The rebate time has not come yet.";
        23 AlreadySettled "The rebate was settled already.";
        24 PurchaseExists "This call made a purchase already; each purchase needs a call of its own.";
        25 OtherAsset "The purchase was paid in another asset; a refund is in the same one.";
    }
    events {
        /// A customer paid a merchant.
        Purchased { purchase: Hash, merchant: AccountId, customer: AccountId, asset: AssetId, amount: Amount, reference: Text }
        /// A newcomer paid the lower price.
        Redeemed { purchase: Hash, offer: Hash, merchant: AccountId, customer: AccountId, third_party: AccountId, asset: AssetId, amount: Amount, reference: Text }
        /// A rebate's amount was set aside.
        Claimed { rebate: Hash, merchant: AccountId, customer: AccountId, third_party: AccountId, asset: AssetId, amount: Amount, settles_at: Timestamp }
        /// A rebate reached its new purchase.
        Locked { rebate: Hash, purchase: Hash, customer: AccountId, merchant: AccountId }
        /// A purchase was paid back, whole or in part.
        Refunded { purchase: Hash, merchant: AccountId, buyer: AccountId, asset: AssetId, amount: Amount }
        /// A rebate's time came: what the customer got and what went back to the merchant.
        Settled { rebate: Hash, customer: AccountId, merchant: AccountId, asset: AssetId, paid: Amount, returned: Amount, state: State }
    }
    calls {
        /// The first-type transaction: a customer pays a merchant. The purchase's id is the hash the event carries.
        Purchase = purchase(merchant, customer) { asset: AssetId, amount: Amount, reference: Text } "{customer} pays {amount} {asset} to {merchant} for {reference}";
        /// A newcomer buys at the offer's lower price before its deadline. `offer` is the event description with all three signatures.
        Redeem = redeem(merchant, customer, third_party) { offer: SignedDocument, reference: Text } "{third_party}, brought by {customer}, pays {merchant} the price of the offer {offer} for {reference}";
        /// The second-type transaction: sets the rebate's amount aside from the merchant; at the offer's rebate time the ledger pays it
        /// to the customer, or back to the merchant if a new purchase was required and did not happen. The offer comes without
        /// signatures: all three sign this call itself, so the merchant can sign it together with the offer.
        Claim = claim(merchant, customer, third_party) { offer: Document, asset: AssetId, amount: Amount, settles_at: Timestamp } "{merchant} sets aside {amount} {asset} as a rebate for {customer}, due {settles_at}, for bringing {third_party} (offer {offer})";
        /// The merchant pays back a purchase, whole or in part; a rebate that requires it shrinks pro rata until it is settled.
        Refund = refund(merchant, buyer) { purchase: Hash, asset: AssetId, amount: Amount } "{merchant} pays back {amount} {asset} of the purchase {purchase} to {buyer}";
        /// Settles a rebate whose time has come and which the ledger could not settle by itself, because its asset was frozen then.
        /// Anyone may ask; who gets what does not depend on the asker.
        Collect = collect(asker) { rebate: Hash } "{asker} asks for the rebate {rebate} to be settled now that its time has come";
    }
    scheduled {
        /// Pays or returns what was set aside.
        Settle = settle { rebate: Hash }
    }
    queries {
        /// A purchase by its id.
        PurchaseOf = purchase_of { purchase: Hash } -> PurchaseRecord;
        /// A rebate by the hash of its offer.
        RebateOf = rebate_of { rebate: Hash } -> RebateRecord;
        /// What the contract holds for rebates that are not settled.
        SetAside = set_aside { asset: AssetId } -> Amount;
    }
}

/// The map of [`PurchaseRecord`]s by purchase.
pub const PURCHASES: u8 = 0;
/// The map of [`RebateRecord`]s by the hash of their offer.
pub const REBATES: u8 = 1;
/// The map of the sums set aside for rebates, by asset.
pub const SET_ASIDE: u8 = 3;

impl Offer {
    /// The kind of document an offer is the body of.
    pub const KIND: &str = "rebate/Offer";

    /// The document for merchant, customer and third party to sign. It should expire no earlier than the rebate time: an
    /// expired one is neither redeemed nor claimed.
    pub fn document(&self, chain: Hash, parties: [AccountId; 3], expires_at: Timestamp) -> Document {
        Document {
            chain,
            kind: DocumentKind::new(Self::KIND).expect("the kind is short"),
            parties: parties.to_vec().try_into().expect("three are within the limit"),
            body: self.encode().try_into().expect("an offer's fields have fixed lengths"),
            expires_at,
        }
    }
}
