//! The relay never sees the password, nor anything from which it could be tried: all it receives, sends, writes and logs is searched.
use crate::scene::{PASSWORD, Scene, done};
use countersign_harness::Tap;
use sha2::{Digest as _, Sha256, Sha512};
use std::fs;
use std::path::Path;

const ALICE: &str = "alice2@harbor-hotel.example";

/// RFC 4648, 4, without the padding: what surrounds it does not change it.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32, place: u32| char::from(LETTERS[usize::from((bits >> (18 - 6 * place)) as u8 & 63)]);
    let group = |chunk: &[u8]| {
        let bits = (0..3).fold(0, |bits, n| bits << 8 | u32::from(chunk.get(n).copied().unwrap_or_default()));
        (0..=chunk.len() as u32).map(|place| letter(bits, place)).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// The password as it is, and what a careless program would make of it.
fn forms(password: &str) -> Vec<(String, Vec<u8>)> {
    let name = |what: &str| what.to_owned();
    let plain = password.as_bytes();
    let wide = password.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let hashes = [
        (name("plain"), plain.to_vec()),
        (name("UTF-16"), wide),
        (name("BLAKE3"), blake3::hash(plain).as_bytes().to_vec()),
        (name("SHA-256"), Sha256::digest(plain).to_vec()),
        (name("SHA-512"), Sha512::digest(plain).to_vec()),
    ];
    let written = |(what, bytes): &(String, Vec<u8>)| {
        [
            (what.clone(), bytes.clone()),
            (format!("{what} in hexadecimal"), hex::encode(bytes).into_bytes()),
            (format!("{what} in base64"), base64(bytes).into_bytes()),
        ]
    };
    hashes.iter().flat_map(written).collect()
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || haystack.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle))
}

/// All files under a folder, one after another.
pub fn contents(folder: &Path) -> anyhow::Result<Vec<u8>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        all.extend(if path.is_dir() { contents(&path)? } else { fs::read(&path).unwrap_or_default() });
    }
    Ok(all)
}

#[test]
fn the_relay_never_sees_the_password() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let tap = Tap::before(&scene.town.home(ALICE)?)?;
    let wallet = scene.newcomer(ALICE)?.at(&tap.url());
    // With another password, and then with the right one, enrolled; then again, to an account that is there.
    assert_ne!(scene.log_in(&wallet, ALICE, "incorrect donkey")?.code, 0);
    done(scene.log_in(&wallet, ALICE, PASSWORD)?)?;
    wallet.run(&["contacts"])?;
    wallet.run(&["logout"])?;
    done(scene.log_in(&wallet, ALICE, PASSWORD)?)?;

    let place = scene.town.place(ALICE)?;
    let site = place.interceptor.as_ref().map(countersign_harness::Interceptor::heard).unwrap_or_default();
    let seen = [
        ("between wallet and relay", tap.heard(), "relay_login_finish"),
        ("between relay and site", site, "/v1/login/finish"),
        ("in the node's log", fs::read(scene.network().log(0))?, ""),
        ("in the relay's files", contents(&scene.relay_files(0))?, ""),
    ];
    for (place, bytes, known) in &seen {
        assert!(bytes.len() > 100 && holds(bytes, known.as_bytes()), "{place}: what passes there is heard");
        for password in [PASSWORD, "incorrect donkey"] {
            let found = forms(password).into_iter().find(|(_, form)| holds(bytes, form));
            assert_eq!(found.map(|(what, _)| what), None, "{place}");
        }
    }
    assert_eq!(base64(b"Many hands"), "TWFueSBoYW5kcw");
    assert!(holds(b"xxCORRECT HORSExx", b"correct horse"), "the search finds");
    Ok(())
}
