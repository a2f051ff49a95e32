//! The operator's commands: on the file and through the running server, and what they refuse.
use crate::server::{SITE, Site, relay_identity};
use countersign_client::types::signature::public_key;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_site_is_made_once_and_for_its_operator_only() {
    let site = Site::new();
    assert_eq!(mode(&site.own("site.key")), 0o600);
    assert_eq!(mode(&site.own("")), 0o700);
    let again = site.refused(&["init", "--site", SITE], 1);
    assert_eq!(again["kind"], "exists");
    let checked = site.done(&["check"]);
    assert_eq!((checked["site"].as_str(), checked["running"].as_bool()), (Some(SITE), Some(false)));
    assert_eq!(checked["key"].as_str(), Some(site.key.to_string().as_str()));
    let server = site.start();
    assert_eq!(site.done(&["check"])["running"], true);
    assert_eq!(mode(&site.own("site.sock")), 0o600);
    drop(server);
    fs::set_permissions(site.own("site.key"), fs::Permissions::from_mode(0o640)).unwrap();
    let open = site.refused(&["check"], 3);
    assert!(open["message"].as_str().unwrap().contains("chmod 600"), "{open}");
    site.refused(&["run"], 3);
    fs::set_permissions(site.own("site.key"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(site.own(""), fs::Permissions::from_mode(0o755)).unwrap();
    let open = site.refused(&["user", "list"], 3);
    assert!(open["message"].as_str().unwrap().contains("chmod 700"), "{open}");
}

#[test]
fn a_server_that_was_told_so_stops_with_its_standard_input() {
    let site = Site::new();
    let server = site.start_with(&["--stop-with-stdin"], Stdio::piped());
    assert_eq!(site.done(&["check"])["running"], true);
    assert_eq!(server.close(), Some(0));
    assert!(!site.own("site.sock").exists(), "it has stopped in order");
    // Otherwise one whose standard input is empty, as that of a service, would not run at all.
    let server = site.start();
    assert_eq!(site.done(&["check"])["running"], true);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn commands_do_the_same_with_and_without_the_server() {
    let site = Site::new();
    for running in [false, true] {
        let server = running.then(|| site.start());
        site.add_user("alice", "a password");
        assert_eq!(site.refused_with("x\n", &["user", "add", "alice"], 1)["kind"], "exists");
        assert_eq!(site.refused_with("\n", &["user", "add", "bob"], 2)["kind"], "bad_input", "no password");
        assert_eq!(site.refused_with("x\n", &["user", "add", "Bob"], 2)["kind"], "bad_input");
        assert_eq!(site.refused_with("x\n", &["user", "set-password", "bob"], 1)["kind"], "not_found");
        assert_eq!(site.refused(&["contact", "add", "bob", "city-books.example"], 1)["kind"], "not_found");
        assert_eq!(site.refused(&["contact", "add", "alice", "nonsense"], 2)["kind"], "bad_input");
        assert_eq!(site.refused(&["contact", "list", "bob"], 1)["kind"], "not_found");
        assert_eq!(site.refused(&["contact", "remove", "alice", "city-books.example"], 1)["kind"], "not_found");
        site.done(&["contact", "add", "alice", "city-books.example", "--label", "Books"]);
        assert_eq!(site.done(&["contact", "list", "alice"])["contacts"][0]["label"], "Books");
        assert_eq!(site.refused(&["post", "add", "--title", ""], 2)["kind"], "bad_input");
        assert_eq!(site.refused(&["post", "add", "--title", "x", "--author", "bob"], 1)["kind"], "not_found");
        let number = site.done(&["post", "add", "--title", "News", "--text", "Of today"])["number"].to_string();
        let last = site.done(&["post", "list", "--after", "0"])["posts"].as_array().unwrap().last().cloned().unwrap();
        assert_eq!((last["title"].as_str(), last["author"].as_str()), (Some("News"), Some(SITE)));
        site.done(&["post", "remove", &number]);
        assert_eq!(site.refused(&["post", "remove", &number], 1)["kind"], "not_found");
        assert_eq!(site.refused(&["relay", "grant", "csk1"], 2)["kind"], "bad_input");
        assert_eq!(site.refused(&["relay", "revoke", "csa1"], 2)["kind"], "bad_input");
        site.grant("other");
        let (other, secret) = relay_identity("other");
        let listed = site.done(&["relay", "list"])["relays"].take();
        let found = listed.as_array().unwrap().iter().find(|relay| relay["label"] == "other").unwrap();
        let key = public_key(&secret).to_string();
        assert_eq!((found["relay"].as_str(), found["key"].as_str()), (Some(&*other.to_string()), Some(&*key)));
        site.done(&["relay", "revoke", &key]);
        assert_eq!(site.refused(&["relay", "revoke", &key], 1)["kind"], "not_found");
        assert_eq!(site.done(&["relay", "list"])["relays"][0]["label"], "relay");
        site.done(&["user", "remove", "alice"]);
        assert_eq!(site.done(&["user", "list"])["users"].as_array().unwrap().len(), 0);
        drop(server);
    }
}

#[test]
fn users_are_imported_from_a_file_of_ones_own() {
    let site = Site::new();
    let path = site.path("users.csv");
    let write = |text: &str, mode: u32| {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let import = ["user", "import", path.as_str()];
    write("user,password\nalice,one\nbob@harbor-hotel.example,\"two, with a comma\"\n", 0o644);
    assert!(site.refused(&import, 3)["message"].as_str().unwrap().contains("chmod 600"));
    for (text, told) in [
        ("alice,one\n", "line 1"),
        ("user,password\nalice\n", "two fields"),
        ("user,password\nalice,one\nalice,two\n", "line 3"),
        ("user,password\nalice,\n", "line 2"),
        ("user,password\ncarol@city-books.example,secret-of-carol\n", "line 2"),
    ] {
        write(text, 0o600);
        let error = site.refused(&import, 2).to_string();
        assert!(error.contains(told) && !error.contains("secret-of-carol"), "{error}");
    }
    assert_eq!(site.done(&["user", "list"])["users"].as_array().unwrap().len(), 0, "all or none");
    write("user,password\nalice,one\nbob@harbor-hotel.example,\"two, with a comma\"\n", 0o600);
    assert_eq!(site.done(&import)["added"], 2);
    let again = site.refused(&import, 1);
    assert_eq!(again["kind"], "exists", "{again}");
}

#[test]
fn words_for_people_say_the_same() {
    let site = Site::new();
    site.add_user("alice", "a password");
    let dir = site.own("");
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_countersign-site"));
        let output = command.arg("--dir").arg(&dir).args(args).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = run(&["user", "list"]);
    assert!(code == Some(0) && text.contains("alice@harbor-hotel.example") && text.contains("since"), "{text}");
    let (code, text) = run(&["user", "remove", "bob"]);
    assert_eq!((code, text.as_str()), (Some(1), "Error: there is no user `bob@harbor-hotel.example`\n"));
    let (code, text) = run(&["check"]);
    assert!(code == Some(0) && text.contains("running     no"), "{text}");
    assert!(text.contains(&format!("answer key  {}", site.key)), "{text}");
}
