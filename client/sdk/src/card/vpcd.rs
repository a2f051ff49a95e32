//! The card's end of Virtual Smart Card's reader driver (Debian: `vsmartcard-vpcd`): a software card connects to its TCP port and is in
//! the reader for as long as the connection lasts.
//!
//! Both sides send messages of two bytes for the length, big-endian, and that many bytes. A message of one byte from the reader is a
//! control: 00 power off, 01 power on, 02 reset, and 04 asks for the answer to reset, the only control that is answered. All others are
//! commands, each answered by one message.
use super::applet::Applet;
use super::reader::ReaderError;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use zeroize::Zeroizing;

/// Where the driver listens as Debian installs it.
pub const ADDRESS: SocketAddr = SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 35_963));
/// How long the driver may take to accept the connection: it is on this machine, or near.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// The answer to reset: direct convention, protocols T=0 and T=1, historical bytes `countersign`, and their check byte.
pub const ANSWER_TO_RESET: [u8; 16] = *b"\x3B\x8B\x80\x01countersign\x6D";

const POWER_OFF: u8 = 0;
const POWER_ON: u8 = 1;
const RESET: u8 = 2;
const ASK_ANSWER_TO_RESET: u8 = 4;

/// A software card in a virtual reader.
#[derive(Debug)]
pub struct Plugged {
    stream: TcpStream,
    applet: Applet,
}

impl Plugged {
    /// Puts the card into the reader whose driver listens at `address`.
    ///
    /// # Errors
    /// [`ReaderError::NoVirtualReader`].
    pub fn plug(applet: Applet, address: &SocketAddr) -> Result<Self, ReaderError> {
        let missing = |source| ReaderError::NoVirtualReader { address: address.to_string(), source };
        let stream = TcpStream::connect_timeout(address, CONNECT_MAX).map_err(missing)?;
        stream.set_nodelay(true).map_err(missing)?;
        Ok(Self { stream, applet })
    }

    /// Answers the reader until it closes the connection.
    ///
    /// # Errors
    /// [`ReaderError::Broken`].
    pub fn serve(mut self) -> Result<(), ReaderError> {
        serve(&mut self.stream, &mut self.applet).map_err(ReaderError::Broken)
    }
}

fn serve(stream: &mut (impl Read + Write), applet: &mut Applet) -> io::Result<()> {
    while let Some(message) = receive(stream)? {
        match message[..] {
            [POWER_OFF | POWER_ON | RESET] => applet.reset(),
            [ASK_ANSWER_TO_RESET] => send(stream, &ANSWER_TO_RESET)?,
            _ => send(stream, &applet.answer(&message))?,
        }
    }
    Ok(())
}

/// A message, of at most what its two bytes of length tell; `None` if the connection was closed before it.
fn receive(stream: &mut impl Read) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut length = [0; 2];
    match stream.read_exact(&mut length) {
        Err(error) if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
            return Ok(None);
        }
        read => read?,
    }
    let mut message = Zeroizing::new(vec![0; usize::from(u16::from_be_bytes(length))]);
    stream.read_exact(&mut message)?;
    Ok(Some(message))
}

/// Sends a message in one piece: an answer to reset or of the applet, which are short.
fn send(stream: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 + message.len()));
    bytes.extend(length.to_be_bytes());
    bytes.extend(message);
    stream.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use super::super::file::SoftwareCard;
    use super::super::tests::pin;
    use super::*;
    use std::io::Cursor;
    use std::net::TcpListener;

    /// What the reader sends, and what the card has answered.
    struct Wire(Cursor<Vec<u8>>, Vec<u8>);

    impl Read for Wire {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn applet() -> (tempfile::TempDir, Applet) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.json");
        let card = SoftwareCard::create(&path, "card-1@bank.example".parse().unwrap(), &pin("4711")).unwrap();
        (folder, Applet::new(card))
    }

    fn messages(messages: &[&[u8]]) -> Vec<u8> {
        messages.iter().flat_map(|bytes| [&(bytes.len() as u16).to_be_bytes()[..], *bytes].concat()).collect()
    }

    #[test]
    fn controls_are_obeyed_and_commands_answered() {
        let select = b"\x00\xA4\x04\x00\x07\xF0CSIGN\x01";
        let status = b"\x00\x20\x00\x01";
        let sent = messages(&[&[1], &[4], status, select, status, &[2], status, &[], &[0], &[9]]);
        let mut wire = Wire(Cursor::new(sent), Vec::new());
        serve(&mut wire, &mut applet().1).unwrap();
        let answered = messages(&[
            &ANSWER_TO_RESET,
            &[0x69, 0x85],
            &[0x90, 0x00],
            &[0x63, 0xC3],
            &[0x69, 0x85],
            &[0x67, 0x00],
            &[0x67, 0x00],
        ]);
        assert_eq!(wire.1, answered);
    }

    #[test]
    fn a_message_that_is_cut_off_breaks_the_connection() {
        let mut wire = Wire(Cursor::new(vec![0, 9, 1]), Vec::new());
        assert!(serve(&mut wire, &mut applet().1).is_err());
    }

    #[test]
    fn the_answer_to_reset_ends_with_its_check_byte() {
        assert_eq!(ANSWER_TO_RESET[1..].iter().fold(0, |sum, byte| sum ^ byte), 0);
    }

    #[test]
    fn a_reader_that_is_not_there_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = Plugged::plug(applet().1, &address).unwrap_err().to_string();
        assert!(error.contains(&address.to_string()) && error.contains("vsmartcard-vpcd"), "{error}");
    }
}
