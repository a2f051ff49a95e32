//! The reader of the card story: Debian's card service with a virtual reader and the card in it, as processes of the wallet; or, where
//! they are not installed or may not be started, none, and the card is read from its file.
use super::fault::{DemoError, doing};
use super::stage::{Person, Stage};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the card service may take to notice a card: it looks twice a second, and the machine may be busy.
const SEEN_MAX: Duration = Duration::from_secs(60);
/// Time between two looks whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A running card service with a virtual reader; it ends when this is dropped.
#[derive(Debug)]
pub struct Reader {
    service: Child,
    /// Where the virtual reader's driver listens.
    vpcd: String,
    /// The card in it.
    card: Option<Child>,
}

/// What came of the attempt to start one.
#[derive(Debug)]
pub enum Started {
    /// It runs, and the wallets of who plays use it.
    Running(Reader),
    /// It does not, for this reason.
    Missing(String),
}

impl Reader {
    /// Starts a card service for the wallets of who plays, if this machine has one.
    pub fn start(stage: &mut Stage, dir: &Path) -> Result<Started, DemoError> {
        let mut command = Command::new(&stage.programs().wallet);
        command.args(["--json", "--offline", "card", "virtual-reader", "--stop-with-stdin", "--dir"]).arg(dir);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut service = command.spawn().map_err(doing("starting a wallet"))?;
        let mut line = String::new();
        if let Some(told) = service.stdout.take() {
            BufReader::new(told).read_line(&mut line).map_err(doing("reading what a wallet tells"))?;
        }
        let Ok(told) = serde_json::from_str::<Value>(&line) else {
            return Ok(Started::Missing(reason(&mut service)?));
        };
        let text = |name: &str| told[name].as_str().map(str::to_owned);
        let (Some(socket), Some(vpcd)) = (text("socket"), text("vpcd")) else {
            return Err(DemoError::Printed { wanted: "socket and vpcd".into(), found: told });
        };
        stage.use_card_service(Path::new(&socket));
        Ok(Started::Running(Self { service, vpcd, card: None }))
    }

    /// Puts the card of that file of a person into the reader, and waits until the person's wallet sees it.
    pub fn insert(&mut self, stage: &Stage, person: Person, file: &str) -> Result<(), DemoError> {
        let mut command = Command::new(&stage.programs().wallet);
        command.args(["--json", "--offline", "card", "emulate", "--vpcd", &self.vpcd, "--card-file"]);
        command.arg(stage.file(person, file)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.card = Some(command.spawn().map_err(doing("starting a wallet"))?);
        let end = Instant::now() + SEEN_MAX;
        loop {
            let readers = stage.run(person, &["card", "readers"])?;
            if readers.as_array().is_some_and(|readers| readers.iter().any(|reader| reader["card"].is_string())) {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(DemoError::Printed { wanted: "card in a reader".into(), found: readers });
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// Why the service did not start, as the wallet says.
fn reason(service: &mut Child) -> Result<String, DemoError> {
    let mut text = String::new();
    if let Some(mut errors) = service.stderr.take() {
        errors.read_to_string(&mut text).map_err(doing("reading what a wallet tells"))?;
    }
    service.wait().map_err(doing("waiting for a wallet"))?;
    let json: Option<Value> = text.lines().last().and_then(|line| serde_json::from_str(line).ok());
    let message = json.as_ref().and_then(|json| json["error"]["message"].as_str());
    Ok(message.map_or_else(|| text.trim().to_owned(), str::to_owned))
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(card) = &mut self.card {
            let _ = card.kill();
            let _ = card.wait();
        }
        // Closing its standard input ends it, and the card service with it.
        drop(self.service.stdin.take());
        let _ = self.service.wait();
    }
}
