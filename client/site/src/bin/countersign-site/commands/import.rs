//! Users from a CSV file: every line is checked before the first user is added; they are added a hundred at a time.
use crate::commands::read;
use crate::failure::Failure;
use crate::output::Output;
use countersign_client::keystore::check_mode;
use countersign_client::login::PASSWORD_BYTES_MAX;
use countersign_client::rpc_types::HexBytes;
use countersign_client::types::Name;
use countersign_site::admin::socket::Access;
use countersign_site::admin::{Command, NewUser};
use countersign_site::keys::SiteKeys;
use countersign_site::limits::{IMPORT_BYTES_MAX, REGISTRATIONS_MAX};
use countersign_site::record::user_name;
use countersign_site::settings::Checked;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use zeroize::Zeroizing;

/// The first line of the file.
const COLUMNS: [&str; 2] = ["user", "password"];

/// A user to add.
struct Row {
    user: Name,
    password: Zeroizing<String>,
}

/// `user import`.
pub fn run(checked: &Checked, path: &Path, output: Output) -> Result<(), Failure> {
    // It holds passwords: whoever could read it has them.
    check_mode(path, 0o600)?;
    let bytes = Zeroizing::new(read(path, IMPORT_BYTES_MAX)?);
    let rows = rows(&bytes, &checked.site, path)?;
    let keys = SiteKeys::read(&checked.keys())?;
    let access = Access::open(checked)?;
    let mut added = 0;
    for batch in rows.chunks(REGISTRATIONS_MAX) {
        let register = |row: &Row| -> Result<NewUser, Failure> {
            let registration = keys.verifier.register(&row.user, &row.password)?;
            Ok(NewUser { user: row.user.to_string(), registration: HexBytes(registration) })
        };
        let users = batch.iter().map(register).collect::<Result<Vec<_>, _>>()?;
        access.run(Command::UserAdd { users })?.map_err(|refused| Failure::ImportStopped { added, refused })?;
        added += batch.len();
    }
    output.result(&json!({"outcome": "imported", "added": added}), || {
        format!("Added {added} users. Delete {}: it holds their passwords.", path.display())
    });
    Ok(())
}

fn rows(bytes: &[u8], site: &Name, path: &Path) -> Result<Vec<Row>, Failure> {
    let bad = |line, wanted: String| Failure::BadImport { path: path.display().to_string(), line, wanted };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::None).from_reader(bytes);
    if reader.headers().map(|head| head != COLUMNS.as_slice()).unwrap_or(true) {
        return Err(bad(1, "the first line is `user,password`".into()));
    }
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    for record in reader.records() {
        // What the reader says of a broken line could cite it.
        let line_of = |error: &csv::Error| error.position().map_or(0, csv::Position::line);
        let record = record.map_err(|error| bad(line_of(&error), "a line has two fields, in UTF-8".into()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let user = user_name(&record[0], site).map_err(|error| bad(line, error.to_string()))?;
        let password = Zeroizing::new(record[1].to_owned());
        if !(1..=PASSWORD_BYTES_MAX).contains(&password.len()) {
            return Err(bad(line, format!("a password has 1 to {PASSWORD_BYTES_MAX} bytes")));
        }
        if !seen.insert(user.clone()) {
            return Err(bad(line, format!("{user} is there twice")));
        }
        rows.push(Row { user, password });
    }
    Ok(rows)
}
