//! A contract's own jobs.
use super::Frame;
use crate::gas::charge;
use crate::schedule;
use countersign_types::interface::MethodKind;
use countersign_types::limits::BYTES_MAX;
use countersign_types::{BoundedText, CallFault, Gas, Job, Timestamp};

impl Frame<'_, '_, '_> {
    /// Adds a job of this contract and pays its gas ahead.
    ///
    /// # Errors
    /// `ReadOnly`; `BadSchedule` if the time has come already or the method is not a scheduled one; `LimitExceeded`; `OutOfGas`.
    pub(super) fn add_job(
        &mut self,
        gas: &mut Gas,
        at: Timestamp,
        method: u32,
        args: Vec<u8>,
    ) -> Result<u64, CallFault> {
        self.check_writes()?;
        let declared = usize::try_from(method).ok().and_then(|index| self.interface.methods.get(index));
        let declared =
            declared.filter(|declared| declared.kind == MethodKind::Scheduled).ok_or(CallFault::BadSchedule)?;
        if at <= self.run.place.time {
            return Err(CallFault::BadSchedule);
        }
        if args.len() > BYTES_MAX {
            return Err(CallFault::LimitExceeded);
        }
        let method = BoundedText::new(&declared.name).map_err(|_| CallFault::LimitExceeded)?;
        let paid = self.run.params.job_gas;
        charge(gas, paid.get())?;
        let module = self.name.clone();
        let job = Job { at, sequence: 0, module, method, args, gas: paid };
        Ok(schedule::add(self.run.ledger, job))
    }

    /// Cancels a job of this contract; false if there is none with this number.
    ///
    /// # Errors
    /// `ReadOnly`.
    pub(super) fn cancel_job(&mut self, sequence: u64) -> Result<bool, CallFault> {
        self.check_writes()?;
        let own = schedule::find(self.run.ledger, sequence).filter(|job| job.module == *self.name);
        if let Some(job) = &own {
            schedule::remove(self.run.ledger, job);
        }
        Ok(own.is_some())
    }
}
