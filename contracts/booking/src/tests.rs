//! The rules natively, on the SDK's double of the ledger.
mod model;
mod properties;
mod refusals;
mod scene;
mod stay;
mod story;
