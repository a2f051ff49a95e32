//! JSON-RPC over plain HTTP: one connection, one question at a time.
use serde_json::{Value, json};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Longest wait for an answer: a busy node takes a second, one that is paused or cut off does not answer.
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// Bytes of an answer: more than a node sends.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Why there is no result.
#[derive(Debug)]
pub enum CallError {
    /// The node answered with an error.
    Refused(Value),
    /// There was no answer; whether the call took effect is not known.
    NoAnswer(io::Error),
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "the node refused: {error}"),
            Self::NoAnswer(error) => write!(f, "the node did not answer: {error}"),
        }
    }
}

impl std::error::Error for CallError {}

/// A connection to a node.
#[derive(Debug)]
pub struct Rpc {
    address: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Rpc {
    /// To the node that serves at `host:port`; connects when it is used.
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None }
    }

    /// Where it goes.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Calls a method.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn call(&mut self, method: &str, params: &Value) -> Result<Value, CallError> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let mut answer = self.ask(&request).map_err(|error| {
            self.stream = None;
            CallError::NoAnswer(error)
        })?;
        match answer.get_mut("error") {
            Some(error) => Err(CallError::Refused(error.take())),
            None => Ok(answer["result"].take()),
        }
    }

    /// The text at a path, such as `/metrics`.
    ///
    /// # Errors
    /// [`CallError::NoAnswer`].
    pub fn get(&mut self, path: &str) -> Result<String, CallError> {
        let body = self.exchange(&format!("GET {path}"), "").map_err(|error| {
            self.stream = None;
            CallError::NoAnswer(error)
        })?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    fn ask(&mut self, request: &str) -> io::Result<Value> {
        Ok(serde_json::from_slice(&self.exchange("POST /", request)?)?)
    }

    fn exchange(&mut self, what: &str, body: &str) -> io::Result<Vec<u8>> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(BufReader::new(connect(&self.address)?)),
        };
        let (address, length) = (&self.address, body.len());
        let head = format!(
            "{what} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.get_mut().write_all(format!("{head}{body}").as_bytes())?;
        read_answer(stream)
    }
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    stream.set_write_timeout(Some(ANSWER_MAX))?;
    Ok(stream)
}

fn read_answer(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<usize>().ok().filter(|length| *length <= ANSWER_BYTES_MAX);
        }
    }
    let length = length.ok_or_else(|| io::Error::other("an answer without a usable length"))?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}
