//! `assets`: what value is counted in, and moving it. Supply is the sum of all balances, before and after every call.
use super::{EVENT_GAS, Halted, Native, READ_GAS, TRANSFER_GAS, WRITE_GAS};
use countersign_interface::assets::{
    Burn, Burnt, Create, Created, Error, FreezeChanged, Issue, Issued, Rules, SetFrozen, Transfer, TransferMany,
    Transferred,
};
use countersign_types::limits::ASSET_DECIMALS_MAX;
use countersign_types::{AccountId, Amount, Asset, AssetId, CallFault, Role, Status, Text};

/// The rules.
pub(super) struct Assets;

impl Rules<Native<'_, '_, '_>> for Assets {
    fn create(native: &mut Native<'_, '_, '_>, issuer: AccountId, args: Create) -> Result<(), Error> {
        native.charge(3 * READ_GAS + WRITE_GAS + EVENT_GAS)?;
        if !native.run.ledger.has_role(&issuer, Role::Issuer) {
            return Err(Error::NotAnIssuer);
        }
        if args.decimals > ASSET_DECIMALS_MAX {
            return Err(Error::TooManyDecimals);
        }
        if native.run.ledger.asset(&args.asset).is_some() {
            return Err(Error::AssetExists);
        }
        let (decimals, title) = (args.decimals, args.title.clone());
        let asset = Asset { issuer, decimals, title, supply: Amount::ZERO, status: Status::Active };
        native.run.ledger.put_asset(&args.asset, &asset);
        native.emit(&Created { asset: args.asset, issuer, decimals, title: args.title })?;
        Ok(())
    }

    fn issue(native: &mut Native<'_, '_, '_>, issuer: AccountId, args: Issue) -> Result<(), Error> {
        native.charge(5 * READ_GAS + 2 * WRITE_GAS + EVENT_GAS)?;
        let mut asset = native.movable(&args.asset)?;
        if asset.issuer != issuer {
            return Err(Error::NotTheIssuer);
        }
        if !native.run.ledger.has_role(&issuer, Role::Issuer) {
            return Err(Error::NotAnIssuer);
        }
        if args.amount.is_zero() {
            return Err(Error::AmountZero);
        }
        let receives = if native.run.ledger.can_hold(&args.to) { Ok(()) } else { Err(CallFault::UnknownAccount) };
        native.halt(receives)?;
        let supply = asset.supply.checked_add(args.amount).ok_or(CallFault::Overflow);
        asset.supply = native.halt(supply)?;
        let balance = native.run.ledger.balance(&args.to, &args.asset).checked_add(args.amount);
        let balance = balance.expect("no balance exceeds the supply");
        native.run.ledger.put_asset(&args.asset, &asset);
        native.run.ledger.put_balance(&args.to, &args.asset, balance);
        native.emit(&Issued { asset: args.asset, to: args.to, amount: args.amount })?;
        Ok(())
    }

    fn transfer(native: &mut Native<'_, '_, '_>, payer: AccountId, args: Transfer) -> Result<(), Error> {
        native.pay(&payer, &args.to, &args.asset, args.amount, &args.reference)
    }

    fn transfer_many(native: &mut Native<'_, '_, '_>, payer: AccountId, args: TransferMany) -> Result<(), Error> {
        if args.payments.is_empty() {
            return Err(Error::NoPayments);
        }
        args.payments
            .iter()
            .try_for_each(|payment| native.pay(&payer, &payment.to, &args.asset, payment.amount, &args.reference))
    }

    fn burn(native: &mut Native<'_, '_, '_>, owner: AccountId, args: Burn) -> Result<(), Error> {
        native.charge(2 * READ_GAS + 2 * WRITE_GAS + EVENT_GAS)?;
        let mut asset = native.movable(&args.asset)?;
        if args.amount.is_zero() {
            return Err(Error::AmountZero);
        }
        let rest = native.run.ledger.balance(&owner, &args.asset).checked_sub(args.amount);
        let rest = native.halt(rest.ok_or(CallFault::InsufficientBalance))?;
        asset.supply = asset.supply.checked_sub(args.amount).expect("no balance exceeds the supply");
        native.run.ledger.put_asset(&args.asset, &asset);
        native.run.ledger.put_balance(&owner, &args.asset, rest);
        native.emit(&Burnt { asset: args.asset, from: owner, amount: args.amount })?;
        Ok(())
    }

    fn set_frozen(native: &mut Native<'_, '_, '_>, issuer: AccountId, args: SetFrozen) -> Result<(), Error> {
        native.charge(READ_GAS + WRITE_GAS + EVENT_GAS)?;
        let asset = native.run.ledger.asset(&args.asset).ok_or(CallFault::UnknownAsset);
        let mut asset = native.halt(asset)?;
        if asset.issuer != issuer {
            return Err(Error::NotTheIssuer);
        }
        asset.status = if args.frozen { Status::Suspended } else { Status::Active };
        native.run.ledger.put_asset(&args.asset, &asset);
        native.emit(&FreezeChanged { asset: args.asset, frozen: args.frozen })?;
        Ok(())
    }
}

impl Native<'_, '_, '_> {
    fn movable(&mut self, asset: &AssetId) -> Result<Asset, Halted> {
        let asset = self.run.ledger.movable_asset(asset);
        self.halt(asset)
    }

    fn pay(
        &mut self,
        payer: &AccountId,
        to: &AccountId,
        asset: &AssetId,
        amount: Amount,
        reference: &Text,
    ) -> Result<(), Error> {
        self.charge(TRANSFER_GAS + EVENT_GAS)?;
        if amount.is_zero() {
            return Err(Error::AmountZero);
        }
        if payer == to {
            return Err(Error::SamePayerAndPayee);
        }
        self.transfer(payer, to, asset, amount)?;
        self.emit(&Transferred { asset: *asset, from: *payer, to: *to, amount, reference: reference.clone() })?;
        Ok(())
    }
}
