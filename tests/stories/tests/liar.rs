//! The wallet against a node that lies: a proxy before a real node alters its answers, and the wallet refuses each with
//! exit code 7 and its own words, where it would believe the altered answer with `--no-verify`.
use anyhow::Context as _;
use countersign_harness::{Node, Outcome, Wallet};
use countersign_rpc_types::{METHODS, MethodKind};
use countersign_types::signature::{development_secret, public_key};
use countersign_types::{Certificate, Hash};
use jsonrpsee::core::client::{ClientT, Error as ClientError};
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::server::{RpcModule, Server, ServerHandle};
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};
use parity_scale_codec::{DecodeAll as _, Encode as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;

const ALICE: &str = "alice@harbor-hotel.example";
const BOB: &str = "bob@harbor-hotel.example";
const BANK: &str = "harbor-bank.example";
const HOTEL: &str = "harbor-hotel.example";
/// Between two looks at a transaction that is watched through the proxy.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Alters an answer.
type Lie = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// A node's answers, altered on the way.
struct Liar {
    url: String,
    told: Arc<Told>,
    _server: ServerHandle,
    _runtime: Runtime,
}

struct Told {
    node: WsClient,
    lies: Mutex<BTreeMap<String, Lie>>,
}

impl Told {
    async fn ask(&self, method: &str, params: &Value) -> Result<Value, ErrorObjectOwned> {
        let mut given = ArrayParams::new();
        for param in params.as_array().into_iter().flatten() {
            given.insert(param).expect("a value is JSON");
        }
        let failed = |error: ClientError| match error {
            ClientError::Call(refusal) => refusal,
            other => ErrorObjectOwned::owned(-32000, other.to_string(), None::<()>),
        };
        let mut answer: Value = self.node.request(method, given).await.map_err(failed)?;
        let lie = self.lies.lock().expect("no lie panics").get(method).cloned();
        if let Some(lie) = lie {
            lie(&mut answer);
        }
        Ok(answer)
    }
}

impl Liar {
    fn before(node: &str) -> anyhow::Result<Self> {
        let runtime = Runtime::new()?;
        let (url, told, server) = runtime.block_on(async {
            let node = WsClientBuilder::new().build(node).await?;
            let told = Arc::new(Told { node, lies: Mutex::default() });
            let server = Server::builder().build("127.0.0.1:0").await?;
            let url = format!("ws://{}", server.local_addr()?);
            anyhow::Ok((url, told.clone(), server.start(methods(told)?)))
        })?;
        Ok(Self { url, told, _server: server, _runtime: runtime })
    }

    /// From now on, only this is altered.
    fn lie(&self, method: &str, lie: impl Fn(&mut Value) + Send + Sync + 'static) {
        let lies: BTreeMap<String, Lie> = [(method.to_string(), Arc::new(lie) as Lie)].into();
        *self.told.lies.lock().expect("no lie panics") = lies;
    }
}

/// The node's methods; a watched transaction is asked for until it is final.
fn methods(told: Arc<Told>) -> anyhow::Result<RpcModule<Arc<Told>>> {
    let mut module = RpcModule::new(told);
    for doc in METHODS.iter().filter(|doc| doc.kind == MethodKind::Call) {
        module.register_async_method(doc.name, move |params, told, _| {
            let params: Value = params.parse().unwrap_or_default();
            async move { told.ask(doc.name, &params).await }
        })?;
    }
    module.register_subscription("tx_watch", "tx", "tx_unwatch", |params, pending, told, _| async move {
        let params: Value = params.parse()?;
        let sink = pending.accept().await?;
        loop {
            let status = told.ask("tx_status", &params).await.map_err(|refusal| refusal.message().to_string())?;
            if status["state"] == "final" {
                sink.send(serde_json::value::to_raw_value(&status)?).await?;
                return Ok(());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    })?;
    Ok(module)
}

struct Scene {
    node: Node,
    folder: tempfile::TempDir,
    liar: Liar,
    /// Alice's wallet, talking to the node itself.
    alice: Wallet,
}

impl Scene {
    fn open() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let node = Node::start(&folder.path().join("node"), &["dev", "--rpc-port", "0"])?;
        let liar = Liar::before(&node.url())?;
        let alice = Wallet::of_development_key(&folder.path().join("alice"), &node.url(), ALICE)?;
        Ok(Self { node, folder, liar, alice })
    }

    fn wallet(&self, name: &str) -> anyhow::Result<Wallet> {
        Wallet::of_development_key(&self.folder.path().join(name), &self.node.url(), name)
    }

    fn file(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join(path)
    }

    /// What Alice's wallet makes of an altered answer.
    fn told(&self, args: &[&str]) -> anyhow::Result<Outcome> {
        self.alice.at(&self.liar.url).try_run(args)
    }

    /// Runs a command that must be refused as unproven, for the reason of this name.
    fn refused(&self, args: &[&str], name: &str) -> anyhow::Result<()> {
        let outcome = self.told(args)?;
        let error: Value = serde_json::from_str(&outcome.stderr).context(outcome.stderr.clone())?;
        anyhow::ensure!(outcome.code == 7 && error["error"]["kind"] == "unverified", "{args:?}: {outcome:#?}");
        anyhow::ensure!(error["error"]["details"]["name"] == name, "{args:?}: {error:#}");
        Ok(())
    }
}

const BALANCE: [&str; 4] = ["asset", "balance", ALICE, "EUR"];

#[test]
fn a_wallet_sees_its_own_payment_at_once_and_proven() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let before = scene.alice.run(&BALANCE)?;
    anyhow::ensure!(before["amount"] == "100000" && before["verified"]["height"].is_u64(), "{before:#}");
    for paid in 1..=3_u32 {
        let done =
            scene.alice.run(&["asset", "transfer", "--to", BOB, "--asset", "EUR", "--amount", "1.00", "--yes"])?;
        anyhow::ensure!(done["ok"] == true && done["verified"]["height"].is_u64(), "{done:#}");
        let (after, left) = (scene.alice.run(&BALANCE)?, (100_000 - 100 * paid).to_string());
        anyhow::ensure!(after["amount"] == left, "{after:#}");
        anyhow::ensure!(after["verified"]["height"].as_u64() >= done["verified"]["height"].as_u64(), "{after:#}");
        let status = scene.alice.run(&["tx", "status", done["id"].as_str().context("an id")?])?;
        anyhow::ensure!(status["verified"].is_object(), "{status:#}");
    }
    let history = scene.alice.run(&["account", "history", ALICE])?;
    anyhow::ensure!(history["verified"].is_null() && history.get("verified").is_some(), "its word: {history:#}");
    for proven in
        [&["account", "show", ALICE][..], &["member", "show", "harbor-hotel.example"], &["asset", "show", "EUR"]]
    {
        let told = scene.alice.run(proven)?;
        anyhow::ensure!(told["verified"].is_object(), "{proven:?}: {told:#}");
    }
    Ok(())
}

#[test]
fn a_chain_is_trusted_from_its_first_use_on() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    anyhow::ensure!(scene.alice.run(&["network", "trust"])?["items"] == json!([]), "nothing is trusted yet");
    scene.alice.run(&BALANCE)?;
    let kept = scene.alice.run(&["network", "trust"])?["items"][0].clone();
    anyhow::ensure!(kept["in_use"] == true && kept["newest"]["height"].is_u64(), "{kept:#}");
    let chain = kept["chain"].as_str().context("a chain")?;
    let file = scene.file("alice/chains").join(format!("{chain}.chain.json"));
    anyhow::ensure!(std::fs::metadata(&file)?.permissions().mode() & 0o777 == 0o600, "only its owner's");

    scene.liar.lie("chain_head", |head| head["chain"] = json!(Hash([7; 32]).to_string()));
    scene.refused(&BALANCE, "foreign_chain")?;
    // A node that serves an old block as its newest.
    scene.liar.lie("chain_head", |head| head["height"] = json!(1));
    scene.alice.run(&["asset", "transfer", "--to", BOB, "--asset", "EUR", "--amount", "1.00", "--yes"])?;
    scene.refused(&BALANCE, "older_than_seen")?;
    // Damaged, it is neither believed nor passed over.
    std::fs::write(&file, "{}")?;
    let damaged = scene.alice.try_run(&BALANCE)?;
    anyhow::ensure!(damaged.code == 2 && damaged.stderr.contains("is damaged"), "{damaged:#?}");
    std::fs::remove_file(&file)?;
    scene.alice.run(&BALANCE)?;
    anyhow::ensure!(scene.alice.run(&["network", "forget"])?["forgotten"] == true);
    anyhow::ensure!(scene.alice.try_run(&["network", "forget"])?.code == 2, "there is nothing left to forget");
    let other = Hash([7; 32]).to_string();
    let refused = scene.alice.try_run(&["network", "trust", &other])?;
    anyhow::ensure!(refused.code == 7 && refused.stderr.contains("genesis"), "{refused:#?}");
    let trusted = scene.alice.run(&["network", "trust", chain])?;
    anyhow::ensure!(trusted["items"][0]["in_use"] == true, "{trusted:#}");
    Ok(())
}

#[test]
fn a_node_that_lies_about_the_state_is_caught() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let honest = scene.told(&BALANCE)?;
    anyhow::ensure!(honest.code == 0 && honest.json()?["amount"] == "100000", "{honest:#?}");
    scene.liar.lie("state_proof", |answer| answer["value"] = json!("0x01000000000000000000000000000000"));
    scene.refused(&BALANCE, "bad_proof")?;
    scene.liar.lie("state_proof", |answer| answer["value"] = Value::Null);
    scene.refused(&BALANCE, "bad_proof")?;
    scene.refused(&["member", "show", "harbor-hotel.example"], "bad_proof")?;
    scene.liar.lie("state_proof", |answer| answer["proof"] = json!("0x00"));
    scene.refused(&BALANCE, "malformed")?;
    scene.liar.lie("chain_header", |answer| answer["certificate"] = Value::Null);
    scene.refused(&BALANCE, "no_certificate")?;
    scene.liar.lie("chain_header", |answer| unsign(&mut answer["certificate"]));
    scene.refused(&BALANCE, "bad_certificate")?;

    // What is not proven is believed only by those who ask for it, and they are told so.
    scene.liar.lie("balance_get", |answer| answer["amount"] = json!("7"));
    let believed = scene.told(&[&["--no-verify"], &BALANCE[..]].concat())?.json()?;
    anyhow::ensure!(believed["amount"] == "7" && believed["verified"].is_null(), "{believed:#}");
    anyhow::ensure!(scene.told(&BALANCE)?.json()?["amount"] == "100000", "the proof is what counts");
    Ok(())
}

/// Takes the signatures off a certificate.
fn unsign(certificate: &mut Value) {
    let text = certificate.as_str().unwrap_or_default().trim_start_matches("0x").to_string();
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    let bytes: Vec<u8> = (0..text.len()).step_by(2).map(digits).collect();
    let mut unsigned = Certificate::decode_all(&mut &bytes[..]).expect("a certificate");
    unsigned.signatures = Default::default();
    let bytes: String = unsigned.encode().iter().map(|byte| format!("{byte:02x}")).collect();
    *certificate = json!(format!("0x{bytes}"));
}

#[test]
fn a_node_that_lies_about_a_receipt_is_caught() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    // More than she has: it fails on the ledger.
    let file = scene.file("much.csp").display().to_string();
    let pay = ["tx", "propose", "assets.transfer", "--party", "payer=alice@harbor-hotel.example", "--arg", "asset=EUR"];
    let to = ["--arg", "to=bob@harbor-hotel.example", "--arg", "amount=9999999.00", "--arg", "reference=", "-o", &file];
    scene.alice.run(&[&pay[..], &to].concat())?;
    scene.alice.run(&["tx", "sign", &file, "--yes"])?;
    let failed = scene.alice.try_run(&["tx", "submit", &file, "--wait"])?;
    anyhow::ensure!(failed.code == 1, "{failed:#?}");
    let told = failed.json()?;
    let id = told["id"].as_str().context("an id")?;
    anyhow::ensure!(told["ok"] == false && told["verified"].is_object(), "{told:#}");
    anyhow::ensure!(told["receipt"]["failure"]["name"] == "insufficient_balance", "{told:#}");

    let done = |status: &mut Value| {
        status["receipt"]["ok"] = json!(true);
        status["receipt"]["failure"] = Value::Null;
    };
    scene.liar.lie("tx_status", done);
    scene.refused(&["tx", "status", id], "other_receipt")?;
    scene.refused(&["tx", "watch", id], "other_receipt")?;
    let believed = scene.told(&["--no-verify", "tx", "status", id])?.json()?;
    anyhow::ensure!(believed["ok"] == true && believed["verified"].is_null(), "{believed:#}");
    // The second of two, without a sibling.
    scene.liar.lie("tx_proof", |proof| proof["receipt_proof"] = json!("0x0200000000000000010000000000000000"));
    scene.refused(&["tx", "status", id], "bad_receipt_proof")?;
    scene.liar.lie("chain_header", |answer| unsign(&mut answer["certificate"]));
    scene.refused(&["tx", "status", id], "bad_certificate")?;
    Ok(())
}

#[test]
fn a_withheld_change_of_the_validators_is_caught_and_a_told_one_followed() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let done = scene.alice.run(&["asset", "transfer", "--to", BOB, "--asset", "EUR", "--amount", "1.00", "--yes"])?;
    let early = done["id"].as_str().context("an id")?;
    let [bank, hotel, bob] = [scene.wallet(BANK)?, scene.wallet(HOTEL)?, scene.wallet(BOB)?];
    let draft = scene.file("power.csp").display().to_string();
    let validator = public_key(&development_secret("validator-1")).to_string();
    let set =
        ["council", "validator", "set", &validator, "--power", "3", "--by", "harbor-bank.example,harbor-hotel.example"];
    bank.run(&[&set[..], &["-o", &draft]].concat())?;
    bank.run(&["tx", "sign", &draft, "--yes"])?;
    hotel.run(&["tx", "sign", &draft, "--yes"])?;
    hotel.run(&["tx", "submit", &draft, "--wait"])?;
    // Blocks that the validators of the new power certify.
    for _ in 0..2 {
        bob.run(&["asset", "transfer", "--to", ALICE, "--asset", "EUR", "--amount", "0.50", "--yes"])?;
    }
    scene.liar.lie("chain_validators", |answer| *answer = json!([]));
    scene.refused(&BALANCE, "other_validators")?;
    scene.liar.lie("chain_validators", |answer| unsign(&mut answer[0]["certificate"]));
    scene.refused(&BALANCE, "bad_certificate")?;
    let followed = scene.alice.run(&BALANCE)?;
    anyhow::ensure!(followed["amount"] == "100000" && followed["verified"].is_object(), "{followed:#}");
    let trusted = scene.alice.run(&["network", "trust"])?;
    anyhow::ensure!(trusted["items"][0]["since"].as_u64() > Some(1), "{trusted:#}");
    // Who certified it is no validator any more: the way to them begins at the genesis.
    let status = scene.alice.run(&["tx", "status", early])?;
    anyhow::ensure!(status["ok"] == true && status["verified"].is_object(), "{status:#}");
    Ok(())
}

#[test]
fn offline_the_trusted_chain_is_the_one_meant() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let file = scene.file("offline.csp").display().to_string();
    let id = |name: &str| -> anyhow::Result<String> {
        let resolved = scene.alice.run(&["account", "resolve", name])?;
        Ok(resolved["account"].as_str().context("an id")?.to_string())
    };
    let (payer, to) = (format!("payer={}", id(ALICE)?), format!("to={}", id(BOB)?));
    let pay = ["--offline", "--decimals", "EUR=2", "tx", "propose", "assets.transfer", "--party", &payer, "--arg", &to];
    let rest = ["--arg", "asset=EUR", "--arg", "amount=1.00", "--arg", "reference=", "-o", &file];
    scene.alice.run(&[&pay[..], &rest].concat())?;
    scene.alice.run(&["tx", "show", &file])?;
    scene.alice.run(&["network", "forget"])?;
    let unknown = scene.alice.try_run(&[&pay[..], &rest, &["--force"]].concat())?;
    anyhow::ensure!(unknown.code == 2 && unknown.stderr.contains("the chain must be named"), "{unknown:#?}");
    Ok(())
}
