//! A development node as a process, spoken to over plain HTTP, and signed transfers for it.
#![allow(dead_code, clippy::unwrap_used)] // each test program uses a part of it, and fails by panicking
use countersign_types::signature::{development_secret, public_key, sign};
use countersign_types::transaction::{SIGNING, signing_bytes};
use countersign_types::*;
use parity_scale_codec::{Decode, DecodeAll, Encode};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest wait for a condition: a machine under heavy load is slow, a broken node is forever.
const PATIENCE: Duration = Duration::from_secs(120);

/// Its log is in `<dir>/node.log`; killed when dropped.
pub struct DevNode {
    child: Child,
    dir: PathBuf,
    address: String,
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited too long for: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl DevNode {
    pub fn start(dir: &Path) -> Self {
        Self::start_with(dir, &["dev", "--rpc-port", "0"])
    }

    pub fn start_with(dir: &Path, args: &[&str]) -> Self {
        Self::start_at(dir, dir, args)
    }

    /// A command that runs several nodes; spoken to is the first.
    pub fn start_several(dir: &Path, args: &[&str]) -> Self {
        Self::start_at(dir, &dir.join("node-1"), args)
    }

    /// Starts the program on `dir`, and waits until the node of the folder `first` serves.
    fn start_at(dir: &Path, first: &Path, args: &[&str]) -> Self {
        let _ = std::fs::remove_file(first.join("rpc.addr"));
        let log = File::options().create(true).append(true).open(dir.join("node.log")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_countersign-node"))
            .args(args)
            .arg("--dir")
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let address = wait_for("the node to serve", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the node exited with {status}:\n{}", std::fs::read_to_string(dir.join("node.log")).unwrap());
            }
            std::fs::read_to_string(first.join("rpc.addr")).ok()
        });
        Self { child, dir: dir.to_path_buf(), address: address.trim().to_owned() }
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and sees it end well.
    pub fn stop(mut self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        let status = wait_for("the node to stop", || self.child.try_wait().unwrap());
        assert!(status.success(), "{status}:\n{}", std::fs::read_to_string(self.dir.join("node.log")).unwrap());
    }

    fn http(&self, head: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        let request = format!(
            "{head} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        // A server that refuses an oversized body need not read it to the end.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let (headers, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        assert!(!headers.to_ascii_lowercase().contains("transfer-encoding: chunked"), "{headers}");
        (status, body.to_owned())
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        self.http(&format!("GET {path}"), &[])
    }

    pub fn post(&self, body: &[u8]) -> (u16, Value) {
        let (status, body) = self.http("POST /", body);
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    pub fn call(&self, method: &str, params: Value) -> Result<Value, Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let (_, answer) = self.post(request.to_string().as_bytes());
        match answer.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(answer["result"].clone()),
        }
    }

    pub fn submit(&self, transaction: &[u8]) -> Result<String, Value> {
        self.call("tx_submit", json!([hex_of(transaction)])).map(|id| id.as_str().unwrap().to_owned())
    }

    pub fn chain(&self) -> Hash {
        self.call("chain_head", json!([])).unwrap()["chain"].as_str().unwrap().parse().unwrap()
    }

    pub fn height(&self) -> u64 {
        self.call("chain_head", json!([])).unwrap()["height"].as_u64().unwrap()
    }

    pub fn balance(&self, of: &Signer) -> String {
        self.call("balance_get", json!([of.text(), "EUR"])).unwrap()["amount"].as_str().unwrap().to_owned()
    }

    pub fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        wait_for(what, || holds().then_some(()));
    }

    pub fn until_final(&self, id: &str) -> Value {
        wait_for("the transaction to be final", || {
            let status = self.call("tx_status", json!([id])).unwrap();
            (status["state"] == "final").then_some(status)
        })
    }
}

impl Drop for DevNode {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program to its end and returns what it printed.
pub fn run(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_countersign-node")).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Somebody with a well-known key.
pub struct Signer {
    secret: [u8; 32],
    id: AccountId,
}

impl Signer {
    pub fn named(name: &str) -> Self {
        let secret = development_secret(name);
        Self { secret, id: AccountId::of_key(&public_key(&secret)) }
    }

    pub fn id(&self) -> AccountId {
        self.id
    }

    pub fn text(&self) -> String {
        self.id.to_string()
    }
}

pub fn transfer(chain: &Hash, from: &Signer, to: &Signer, minor_units: u128, salt: u64) -> Vec<u8> {
    signed(from, unsigned(chain, from, to, minor_units, salt, (now() - 10_000, now() + 600_000))).encode()
}

pub fn transfer_valid_from(chain: &Hash, from: &Signer, to: &Signer, minor_units: u128, in_ms: u64) -> Vec<u8> {
    signed(from, unsigned(chain, from, to, minor_units, 0, (now() + in_ms, now() + 600_000))).encode()
}

pub fn expired_transfer(chain: &Hash, from: &Signer, to: &Signer) -> Vec<u8> {
    signed(from, unsigned(chain, from, to, 1, 0, (now() - 60_000, now() - 30_000))).encode()
}

/// In hexadecimal.
pub fn unsigned_transfer(chain: &Hash, from: &Signer, to: &Signer, minor_units: u128) -> String {
    let transaction = unsigned(chain, from, to, minor_units, 0, (now() - 10_000, now() + 600_000));
    hex_of(&SignedTransaction { transaction, signatures: BoundedVec::empty() }.encode())
}

/// A call of a native module, signed by all its parties.
pub fn native(
    chain: &Hash,
    (module, method): (&str, &str),
    parties: &[&Signer],
    args: &impl Encode,
    salt: u64,
) -> Vec<u8> {
    let interface = countersign_executor::native_interfaces().find(|native| native.module.as_str() == module).unwrap();
    let (index, _) = interface.method_named(method).unwrap();
    let call = Call {
        module: interface.module.clone(),
        method: interface.selector(index),
        parties: parties.iter().map(|party| party.id).collect::<Vec<_>>().try_into().unwrap(),
        args: args.encode().try_into().unwrap(),
    };
    let transaction = Transaction {
        chain: *chain,
        valid_from: Timestamp::from_millis(now() - 10_000),
        expires_at: Timestamp::from_millis(now() + 600_000),
        salt: salt.to_le_bytes(),
        calls: vec![call].try_into().unwrap(),
    };
    let message = signing_bytes(SIGNING, chain, &transaction.id().0);
    let signers = transaction.signers();
    let sign = |(account, id): (u16, &AccountId)| {
        let secret = &parties.iter().find(|party| party.id == *id).unwrap().secret;
        PartySignature { account, key: public_key(secret), signature: sign(secret, &message) }
    };
    let signatures: Vec<_> = (0..).zip(&signers).map(sign).collect();
    SignedTransaction { transaction, signatures: signatures.try_into().unwrap() }.encode()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn unsigned(chain: &Hash, from: &Signer, to: &Signer, minor_units: u128, salt: u64, valid: (u64, u64)) -> Transaction {
    let assets = countersign_executor::native_interfaces().find(|native| native.module.as_str() == "assets").unwrap();
    let (index, _) = assets.method_named("transfer").unwrap();
    let asset: AssetId = "EUR".parse().unwrap();
    let args = (asset, to.id, Amount::new(minor_units), Text::new("test").unwrap()).encode();
    let call = Call {
        module: assets.module.clone(),
        method: assets.selector(index),
        parties: vec![from.id].try_into().unwrap(),
        args: args.try_into().unwrap(),
    };
    Transaction {
        chain: *chain,
        valid_from: Timestamp::from_millis(valid.0),
        expires_at: Timestamp::from_millis(valid.1),
        salt: salt.to_le_bytes(),
        calls: vec![call].try_into().unwrap(),
    }
}

fn signed(by: &Signer, transaction: Transaction) -> SignedTransaction {
    let message = signing_bytes(SIGNING, &transaction.chain, &transaction.id().0);
    let signature = PartySignature { account: 0, key: public_key(&by.secret), signature: sign(&by.secret, &message) };
    SignedTransaction { transaction, signatures: vec![signature].try_into().unwrap() }
}

fn hex_of(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// A value from its `0x…` encoding.
pub fn decoded<T: Decode>(text: &Value) -> T {
    let bytes = hex::decode(text.as_str().unwrap().strip_prefix("0x").unwrap()).unwrap();
    T::decode_all(&mut &bytes[..]).unwrap()
}
