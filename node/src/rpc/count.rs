//! Counts calls and errors on their way through.
use crate::metrics::Metrics;
use jsonrpsee::core::middleware::{Batch, Notification, RpcServiceT};
use jsonrpsee::server::MethodResponse;
use jsonrpsee::types::Request;
use std::future::Future;

/// A service whose calls are counted.
#[derive(Clone)]
pub(super) struct Counted<S> {
    pub service: S,
    pub metrics: Metrics,
}

impl<S> RpcServiceT for Counted<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse, BatchResponse = MethodResponse> + Send + Sync + Clone + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let Self { service, metrics } = self.clone();
        async move {
            metrics.rpc_calls.inc();
            let response = service.call(request).await;
            if response.is_error() {
                metrics.rpc_errors.inc();
            }
            response
        }
    }

    fn batch<'a>(&self, requests: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.metrics.rpc_calls.inc_by(requests.len() as u64);
        self.service.batch(requests)
    }

    fn notification<'a>(&self, n: Notification<'a>) -> impl Future<Output = S::NotificationResponse> + Send + 'a {
        self.service.notification(n)
    }
}
