//! Up to which height a validator's key has voted: what a validator must not forget with its other files.
//!
//! The engine's log holds each vote at the height being decided, so that a validator which was cut short says the same again. A validator
//! that has lost the log, or whose chain was set back to before it, does not know what it said, and could contradict itself. So the
//! height is written here, and is on disk, before the first vote at a height leaves; and at its start a validator votes only above that
//! height, or at it with the log. Otherwise it follows until the others have decided that height.
//!
//! One line: the key, the chain, the height, and `kept` or `lost` for the votes at that height.
use crate::folder;
use async_trait::async_trait;
use countersign_consensus::{KeySigner, SignerError, VoteSigner};
use countersign_types::evidence::Statement;
use countersign_types::{Hash, Height, PublicKey, Signature};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The file in a node's folder.
pub const VOTED_FILE: &str = "validator.voted";
/// Bytes of the file that are read: a line is shorter.
const FILE_BYTES_MAX: u64 = 1024;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VotedError {
    /// The disk.
    #[error("cannot read or write {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// It does not hold what is written here.
    #[error(
        "{} is damaged: it says up to which height this validator has voted. Run the node without its validator.key until it is above \
         every height that it may have voted at, then delete the file and give it the key again",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// What the file says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Voted {
    key: PublicKey,
    chain: Hash,
    height: Height,
    /// The votes at that height are in no log any more.
    lost: bool,
}

impl Voted {
    /// Of the same length at every height, so that it is overwritten in place.
    fn line(&self) -> String {
        let Self { key, chain, height, lost } = self;
        format!("{key} {chain} {:020} {}\n", height.get(), if *lost { "lost" } else { "kept" })
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let mut word = || words.next();
        let (key, chain) = (word()?.parse().ok()?, word()?.parse().ok()?);
        let height = Height::new(word()?.parse().ok()?);
        let lost = match word()? {
            "lost" => true,
            "kept" => false,
            _ => return None,
        };
        words.next().is_none().then_some(Self { key, chain, height, lost })
    }
}

/// The open file.
#[derive(Debug)]
struct Record {
    file: File,
    voted: Voted,
}

impl Record {
    /// What the file says; `None` if there is none, or if the start that made it did not come to its end.
    fn find(path: &Path) -> Result<Option<Self>, VotedError> {
        let failed = |cause| VotedError::File { path: path.into(), cause };
        let mut file = match File::options().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed)?,
        };
        let mut text = Vec::new();
        file.by_ref().take(FILE_BYTES_MAX).read_to_end(&mut text).map_err(failed)?;
        if text.is_empty() {
            return Ok(None);
        }
        let voted = std::str::from_utf8(&text).ok().and_then(Voted::read);
        let voted = voted.ok_or_else(|| VotedError::Damaged { path: path.into() })?;
        Ok(Some(Self { file, voted }))
    }

    /// A new file, for a key that has not voted on the chain.
    fn make(path: &Path, key: PublicKey, chain: Hash) -> io::Result<Self> {
        let file = File::options().write(true).create(true).truncate(true).open(path)?;
        let voted = Voted { key, chain, height: Height::ZERO, lost: false };
        let mut made = Self { file, voted };
        made.write(voted)?;
        // It is there after a power cut only when its folder is on disk too.
        folder::sync(folder::parent(path))?;
        Ok(made)
    }

    /// Overwrites the line; it is on disk on return.
    fn write(&mut self, voted: Voted) -> io::Result<()> {
        self.file.write_all_at(voted.line().as_bytes(), 0)?;
        self.file.sync_data()?;
        self.voted = voted;
        Ok(())
    }

    /// Notes that no log holds the votes: the engine that follows begins its log anew.
    fn lose(&mut self) -> io::Result<()> {
        self.write(Voted { lost: true, ..self.voted })
    }

    /// Notes that the key votes at this height.
    fn raise(&mut self, height: Height) -> io::Result<()> {
        if height <= self.voted.height {
            return Ok(());
        }
        self.write(Voted { height, lost: false, ..self.voted })
    }
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    // A panic leaves it as it is on disk or lower: then it is written again.
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a validator may do from its start on.
#[derive(Debug)]
pub enum Votes {
    /// It votes.
    Cast(RecordingSigner),
    /// It follows until this height is decided.
    Withheld {
        /// The height at which its votes are lost.
        until: Height,
    },
}

impl Votes {
    /// Decides by the file at `path` whether `signer` may vote on `chain` from the height `next` on, while the engine's log holds the
    /// votes at the height `logged`.
    ///
    /// # Errors
    /// [`VotedError`].
    pub fn of(
        path: &Path,
        signer: KeySigner,
        chain: Hash,
        next: Height,
        logged: Option<Height>,
    ) -> Result<Self, VotedError> {
        let failed = |cause| VotedError::File { path: path.into(), cause };
        let key = signer.public_key();
        let mut record = match Record::find(path)?.filter(|found| found.voted.key == key && found.voted.chain == chain)
        {
            Some(found) => found,
            None => Record::make(path, key, chain).map_err(failed)?,
        };
        let voted = record.voted;
        let goes_on = next == voted.height && logged == Some(voted.height) && !voted.lost;
        if next > voted.height || goes_on {
            return Ok(Self::Cast(RecordingSigner { signer, record: Arc::new(Mutex::new(record)) }));
        }
        record.lose().map_err(failed)?;
        Ok(Self::Withheld { until: voted.height })
    }
}

/// Notes that the engine follows from the height `next` on without the key: it begins its log anew, and the votes in it are lost.
///
/// # Errors
/// [`VotedError`].
pub fn follow(path: &Path, next: Height) -> Result<(), VotedError> {
    match Record::find(path)? {
        Some(mut record) if next <= record.voted.height => {
            record.lose().map_err(|cause| VotedError::File { path: path.into(), cause })
        }
        _ => Ok(()),
    }
}

/// Signs after the height is on disk.
#[derive(Debug)]
pub struct RecordingSigner {
    signer: KeySigner,
    record: Arc<Mutex<Record>>,
}

impl RecordingSigner {
    async fn record(&self, height: Height) -> io::Result<()> {
        if height <= lock(&self.record).voted.height {
            return Ok(());
        }
        let record = Arc::clone(&self.record);
        tokio::task::spawn_blocking(move || lock(&record).raise(height)).await.map_err(io::Error::other)?
    }
}

#[async_trait]
impl VoteSigner for RecordingSigner {
    fn public_key(&self) -> PublicKey {
        self.signer.public_key()
    }

    async fn sign(&self, statement: &Statement, message: &[u8; 32]) -> Result<Signature, SignerError> {
        if let Err(error) = self.record(statement.height()).await {
            tracing::error!(%error, file = VOTED_FILE, "not written, so nothing is signed; look at the disk");
            return Err(SignerError { statement: *statement, cause: error.into() });
        }
        self.signer.sign(statement, message).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_types::signature;

    const CHAIN: Hash = Hash([7; 32]);
    const SECRET: [u8; 32] = [1; 32];

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self) -> PathBuf {
            self.0.path().join(VOTED_FILE)
        }

        fn text(&self) -> String {
            std::fs::read_to_string(self.path()).unwrap()
        }

        /// A start with the next height and that of the log: a signer, or the height to wait for.
        fn start(&self, next: u64, logged: Option<u64>) -> Result<RecordingSigner, u64> {
            let votes =
                Votes::of(&self.path(), KeySigner::new(SECRET), CHAIN, Height::new(next), logged.map(Height::new));
            match votes.unwrap() {
                Votes::Cast(signer) => Ok(signer),
                Votes::Withheld { until } => Err(until.get()),
            }
        }
    }

    async fn vote(signer: &RecordingSigner, height: u64) -> Result<(), SignerError> {
        let statement = Statement::Prevote { height: Height::new(height), round: 0, block: None };
        let message = statement.message(&CHAIN);
        let signature = signer.sign(&statement, &message).await?;
        assert!(signature::verify(&signer.public_key(), &message, &signature));
        Ok(())
    }

    #[tokio::test]
    async fn the_height_is_on_disk_before_a_vote_leaves() {
        let folder = Folder::new();
        let signer = folder.start(1, None).unwrap();
        for (height, highest) in [(1, 1), (1, 1), (2, 2), (40, 40), (39, 40)] {
            vote(&signer, height).await.unwrap();
            assert_eq!(Voted::read(&folder.text()).unwrap().height.get(), highest);
        }
        assert_eq!(
            folder.text(),
            format!("{} {CHAIN} 00000000000000000040 kept\n", signature::public_key(&SECRET)),
            "frozen: later programs read it"
        );
    }

    #[tokio::test]
    async fn a_validator_goes_on_above_its_votes_or_with_their_log() {
        let folder = Folder::new();
        vote(&folder.start(1, None).unwrap(), 5).await.unwrap();
        assert!(folder.start(5, Some(5)).is_ok(), "cut short while it decided");
        assert!(folder.start(6, Some(5)).is_ok(), "decided");
        assert!(folder.start(6, Some(6)).is_ok(), "had begun the next");
        assert!(folder.start(9, None).is_ok(), "long ago");
    }

    #[tokio::test]
    async fn a_validator_that_lost_its_votes_waits_until_they_do_not_matter() {
        for (next, logged) in [(5, None), (5, Some(4)), (4, Some(5)), (1, None)] {
            let folder = Folder::new();
            vote(&folder.start(1, None).unwrap(), 5).await.unwrap();
            assert_eq!(folder.start(next, logged).err(), Some(5), "{next}, {logged:?}");
            // The engine that followed has begun a log at that height, without the votes.
            assert_eq!(folder.start(5, Some(5)).err(), Some(5), "{next}, {logged:?}");
            let signer = folder.start(6, Some(6)).unwrap();
            vote(&signer, 6).await.unwrap();
            assert!(folder.start(6, Some(6)).is_ok());
        }
    }

    #[tokio::test]
    async fn a_log_that_a_follower_began_holds_no_votes() {
        let folder = Folder::new();
        follow(&folder.path(), Height::new(1)).unwrap();
        assert!(!folder.path().exists(), "no validator yet");
        vote(&folder.start(1, None).unwrap(), 5).await.unwrap();
        follow(&folder.path(), Height::new(6)).unwrap();
        assert!(folder.start(5, Some(5)).is_ok(), "it followed above its votes");
        follow(&folder.path(), Height::new(5)).unwrap();
        assert_eq!(folder.start(5, Some(5)).err(), Some(5));
        assert!(folder.start(6, Some(5)).is_ok());
    }

    #[tokio::test]
    async fn the_votes_of_another_key_or_chain_are_others() {
        let folder = Folder::new();
        vote(&folder.start(1, None).unwrap(), 5).await.unwrap();
        let of = |secret, chain| Votes::of(&folder.path(), KeySigner::new(secret), chain, Height::new(1), None);
        assert!(matches!(of([2; 32], CHAIN), Ok(Votes::Cast(_))));
        assert!(matches!(of([2; 32], Hash([8; 32])), Ok(Votes::Cast(_))));
        assert!(folder.text().contains(" 00000000000000000000 kept"), "{}", folder.text());
    }

    #[tokio::test]
    async fn what_cannot_be_read_or_written_is_told() {
        let folder = Folder::new();
        let of = || Votes::of(&folder.path(), KeySigner::new(SECRET), CHAIN, Height::new(1), None);
        std::fs::write(folder.path(), "").unwrap();
        follow(&folder.path(), Height::new(1)).unwrap();
        assert!(matches!(of(), Ok(Votes::Cast(_))), "a start that did not come to its end");
        let good = folder.text();
        for bad in
            [&good[1..], &good[..good.len() - 6], "x", &good.replace("kept", "keep"), &format!("{good} x"), "\u{0}"]
        {
            std::fs::write(folder.path(), bad).unwrap();
            assert!(matches!(of(), Err(VotedError::Damaged { .. })), "{bad}");
            assert!(matches!(follow(&folder.path(), Height::new(1)), Err(VotedError::Damaged { .. })), "{bad}");
        }
        std::fs::write(folder.path(), [0xff; 8]).unwrap();
        assert!(matches!(of(), Err(VotedError::Damaged { .. })));
        std::fs::remove_file(folder.path()).unwrap();
        std::fs::create_dir(folder.path()).unwrap();
        assert!(matches!(of(), Err(VotedError::File { .. })));

        // A disk that takes nothing: no vote leaves.
        let folder = Folder::new();
        let signer = folder.start(1, None).unwrap();
        lock(&signer.record).file = File::open(folder.path()).unwrap();
        assert!(vote(&signer, 1).await.is_err());
        assert!(folder.text().contains(" 00000000000000000000 kept"));
    }
}
