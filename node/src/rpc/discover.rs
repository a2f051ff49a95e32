//! `rpc.discover`: the OpenRPC document, made from the table of methods and the list of errors.
use countersign_rpc_types::{ErrorCode, METHODS, MethodDoc, MethodKind};
use serde_json::{Value, json};

/// The document.
pub(super) fn document() -> Value {
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Countersign node",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Ids and accounts are bech32m texts, hashes hexadecimal, bytes hexadecimal with 0x, amounts decimal texts of minor units, times milliseconds since the Unix epoch.",
        },
        "methods": METHODS.iter().map(method).collect::<Vec<_>>(),
        "components": { "errors": ErrorCode::ALL.iter().map(error).collect::<serde_json::Map<_, _>>() },
    })
}

fn method(doc: &MethodDoc) -> Value {
    let params: Vec<Value> = doc
        .params
        .iter()
        .map(|(name, ty)| {
            let (ty, required) = ty.strip_suffix('?').map_or((*ty, true), |ty| (ty, false));
            json!({ "name": name, "required": required, "schema": schema(ty) })
        })
        .collect();
    let mut described = json!({
        "name": doc.name,
        "summary": doc.summary,
        "paramStructure": "by-position",
        "params": params,
        "result": { "name": "result", "schema": schema(doc.result) },
    });
    if let MethodKind::Subscription { notification, unsubscribe } = doc.kind {
        described["x-subscription"] = json!({ "notification": notification, "unsubscribe": unsubscribe });
    }
    described
}

/// `[T]` is a list; plain types by their JSON names; anything else is one of the documented records.
fn schema(ty: &str) -> Value {
    if let Some(item) = ty.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return json!({ "type": "array", "items": schema(item) });
    }
    match ty {
        "integer" => json!({ "type": "integer", "minimum": 0 }),
        "string" => json!({ "type": "string" }),
        "bytes" => json!({ "type": "string", "pattern": "^0x([0-9a-fA-F]{2})*$" }),
        record => json!({ "type": "object", "title": record }),
    }
}

fn error((code, name, meaning): &(ErrorCode, &'static str, &'static str)) -> (String, Value) {
    (name.to_string(), json!({ "code": *code as i32, "message": meaning.trim() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_lists_every_method_and_error() {
        let document = document();
        assert_eq!(document["methods"].as_array().unwrap().len(), METHODS.len());
        assert_eq!(document["components"]["errors"].as_object().unwrap().len(), ErrorCode::ALL.len());
        let batch = &document["methods"].as_array().unwrap().iter().find(|m| m["name"] == "tx_submit_batch").unwrap();
        assert_eq!(batch["params"][0]["schema"]["items"]["type"], "string");
    }
}
