//! Runs a block: its evidence, the jobs that are due, then its transactions, each behind a savepoint of its own.
use crate::admission::{self, Admitted, Candidate};
use crate::call::{Origin, Run};
use crate::documents::Proven;
use crate::gas::charge;
use crate::ledger::Ledger;
use crate::outcome::{BlockInput, BlockOutcome, BlockPlace};
use crate::quota::{self, Bound};
use crate::{native, schedule, supply, turns};
use countersign_interface::governance::Equivocated;
use countersign_state::StateRead;
use countersign_types::account::QuotaUse;
use countersign_types::evidence::RecordedEvidence;
use countersign_types::interface::MethodKind;
use countersign_types::receipt::Subject;
use countersign_types::{
    Authority, BoundedVec, CallFault, Event, Evidence, Failure, Gas, Job, Params, Receipt, Status, VerifiedTransaction,
    limits,
};
use countersign_vm::Engine;

type Events = BoundedVec<Event, { limits::EVENTS_MAX }>;

/// A block that is being run.
pub(crate) struct Block<'b, 's> {
    engine: &'b Engine,
    pub(crate) ledger: Ledger<'s>,
    params: Params,
    place: BlockPlace,
    proven: Proven,
    /// Gas of its transactions so far.
    used: Gas,
    /// Set by the first transaction that does not fit: those after it are put off too, so that a block's work is bounded and
    /// what was put off runs in order.
    full: bool,
}

/// Runs `input` on `state`.
pub(crate) fn execute(engine: &Engine, state: &dyn StateRead, input: BlockInput<'_>) -> BlockOutcome {
    let mut block = Block::new(engine, state, input.place());
    block.proven = Proven::of(engine, &block.ledger, input.transactions);
    let mut receipts = block.record_evidence(input.evidence);
    receipts.extend(block.run_jobs());
    let mut put_off = Vec::new();
    for transaction in input.transactions {
        let candidate = Candidate::of(transaction);
        let receipt = block.run(candidate, |signer, authority| authority.is_met_by(transaction.keys_of(signer)));
        if receipt.outcome == Err(Failure::PutOff) {
            put_off.push(candidate.id);
        }
        receipts.push(receipt);
    }
    turns::record(&mut block.ledger, &input.proposer, input.height, !receipts.is_empty());
    if cfg!(debug_assertions) {
        supply::assert_constant(&block.ledger);
    }
    BlockOutcome { receipts, changes: block.ledger.into_changes(input.time), put_off }
}

impl<'b, 's> Block<'b, 's> {
    pub(crate) fn new(engine: &'b Engine, state: &'s dyn StateRead, place: BlockPlace) -> Self {
        let ledger = Ledger::new(state);
        let params = ledger.params();
        Self { engine, ledger, params, place, proven: Proven::default(), used: Gas::ZERO, full: false }
    }

    /// Puts evidence on the ledger. That it is valid and new was checked before the block was voted for.
    fn record_evidence(&mut self, evidence: &[Evidence]) -> Vec<Receipt> {
        evidence.iter().map(|one| self.record_one(one)).collect()
    }

    fn record_one(&mut self, evidence: &Evidence) -> Receipt {
        let recorded = RecordedEvidence { evidence: *evidence, recorded_at: self.place.height };
        self.ledger.write(evidence.state_key(), &recorded);
        let (validator, height, round) = (evidence.validator(), evidence.height().get(), evidence.round());
        let event = native::Module::Governance.event(&Equivocated { validator, height, round });
        let events = vec![event.expect("an event of fixed size is within its limits")];
        let events = events.try_into().expect("a receipt holds one event");
        Receipt { subject: Subject::of_evidence(evidence), outcome: Ok(()), gas: Gas::ZERO, events }
    }

    /// Runs the jobs that are due, as many as fit the lane.
    fn run_jobs(&mut self) -> Vec<Receipt> {
        let mut receipts = Vec::new();
        let mut lane = self.params.lane_gas_max;
        let mut last = None;
        loop {
            let due = schedule::due(&self.ledger, self.place.time, last);
            if due.is_empty() {
                return receipts;
            }
            for job in due {
                last = Some((job.at, job.sequence));
                if job.gas > lane || receipts.len() >= schedule::JOBS_PER_BLOCK_MAX {
                    return receipts;
                }
                // A job that ran before it may have cancelled it.
                if schedule::find(&self.ledger, job.sequence).is_none() {
                    continue;
                }
                let receipt = self.run_job(&job);
                lane = lane.saturating_sub(receipt.gas);
                receipts.push(receipt);
            }
        }
    }

    fn run_job(&mut self, job: &Job) -> Receipt {
        let subject = Subject::Job(job.sequence);
        schedule::remove(&mut self.ledger, job);
        if self.is_suspended(job) {
            let gas = Gas::new(schedule::MOVING_GAS).min(job.gas);
            let outcome = match self.place.time.checked_add_millis(schedule::SUSPENDED_RETRY_MS) {
                Some(at) => {
                    schedule::put(&mut self.ledger, &Job { at, ..job.clone() });
                    Err(Failure::PutOff)
                }
                None => Err(Failure::Call { index: 0, fault: CallFault::BadSchedule }),
            };
            return Receipt { subject, outcome, gas, events: Events::empty() };
        }
        let savepoint = self.ledger.savepoint();
        let origin = Origin { id: schedule::origin_id(job.sequence), index: 0 };
        let mut run = Run::new(&mut self.ledger, self.engine, &self.params, self.place, origin);
        let mut left = job.gas;
        let result = run.call_named(&job.module, (MethodKind::Scheduled, &job.method), &job.args, &mut left);
        let events = run.into_events();
        let gas = job.gas.saturating_sub(left);
        match result {
            Ok(_) => {
                self.ledger.commit(savepoint);
                Receipt { subject, outcome: Ok(()), gas, events }
            }
            Err(fault) => {
                self.ledger.rollback(savepoint);
                Receipt { subject, outcome: Err(Failure::Call { index: 0, fault }), gas, events: Events::empty() }
            }
        }
    }

    /// What a contract owes stays owed while it is suspended: its jobs wait.
    fn is_suspended(&self, job: &Job) -> bool {
        self.ledger.contract(&job.module).is_some_and(|contract| contract.status == Status::Suspended)
    }

    /// Runs a transaction if it is admitted. Its receipt tells what became of it.
    pub(crate) fn run(&mut self, candidate: Candidate<'_>, is_met: impl Fn(usize, &Authority) -> bool) -> Receipt {
        let subject = Subject::Transaction(candidate.id);
        let refused = |failure| Receipt { subject, outcome: Err(failure), gas: Gas::ZERO, events: Events::empty() };
        let admitted = match admission::admit(&self.ledger, &self.params, candidate, self.place.time, is_met) {
            Ok(admitted) => admitted,
            Err(failure) => return refused(failure),
        };
        if self.full {
            return refused(Failure::PutOff);
        }
        let block_left = self.params.block_gas_max.saturating_sub(self.used);
        let (limit, bound) = quota::limit(&self.params, admitted.quota_left, block_left);
        let savepoint = self.ledger.savepoint();
        let mut left = limit;
        let result = self.run_calls(candidate, admitted.base, &mut left);
        let gas = limit.saturating_sub(left);
        let outcome = result.map_err(|failure| match (failure, bound) {
            (Failure::Call { fault: CallFault::OutOfGas, .. }, Bound::Block) => Failure::PutOff,
            (Failure::Call { fault: CallFault::OutOfGas, .. }, Bound::Quota) => Failure::QuotaExceeded(admitted.payer),
            (failure, _) => failure,
        });
        match outcome {
            Err(Failure::PutOff) => {
                self.ledger.rollback(savepoint);
                self.full = true;
                refused(Failure::PutOff)
            }
            Err(failure) => {
                self.ledger.rollback(savepoint);
                self.settle(candidate, &admitted, gas);
                Receipt { subject, outcome: Err(failure), gas, events: Events::empty() }
            }
            Ok(events) => {
                self.ledger.commit(savepoint);
                self.settle(candidate, &admitted, gas);
                Receipt { subject, outcome: Ok(()), gas, events }
            }
        }
    }

    fn run_calls(&mut self, candidate: Candidate<'_>, base: Gas, left: &mut Gas) -> Result<Events, Failure> {
        let failed = |index, fault| Failure::Call { index, fault };
        charge(left, base.get()).map_err(|fault| failed(0, fault))?;
        let origin = Origin { id: candidate.id, index: 0 };
        let mut run = Run::new(&mut self.ledger, self.engine, &self.params, self.place, origin);
        run.proven = &self.proven;
        for (index, call) in (0_u8..).zip(&candidate.transaction.calls) {
            run.origin.index = index;
            run.call(call, left).map_err(|fault| failed(index, fault))?;
        }
        Ok(run.into_events())
    }

    /// What stands whether the calls succeeded or not: the gas is paid and the id is used.
    fn settle(&mut self, candidate: Candidate<'_>, admitted: &Admitted, gas: Gas) {
        self.used = self.used.saturating_add(gas);
        let QuotaUse { window, gas: before } = admitted.used;
        self.ledger.put_quota_use(&admitted.payer, &QuotaUse { window, gas: before.saturating_add(gas) });
        self.ledger.remember(candidate.transaction.expires_at, candidate.id);
    }
}

impl<'a> Candidate<'a> {
    pub(crate) fn of(transaction: &'a VerifiedTransaction) -> Self {
        Self {
            id: transaction.id(),
            transaction: transaction.transaction(),
            signers: transaction.signers(),
            size_bytes: transaction.size_bytes(),
            signatures: transaction.signed().signatures.len(),
        }
    }
}
