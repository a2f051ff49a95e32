//! Every bound of the relay, with its reason. Those of the wire stand in `rpc_types::relay` and `rpc_types::site`.
