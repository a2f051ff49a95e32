//! `countersign qr`: texts as QR codes and back: accounts, requests, proposals, whatever begins with `countersign:`.
use crate::failure::Failure;
use crate::files;
use crate::intake::{self, named};
use crate::output::{Output, is_coloured};
use crate::session::Session;
use clap::{Args, Subcommand};
use countersign_client::qr::{self, Code};
use countersign_client::request::RequestCode;
use countersign_client::types::{Proposal, limits};
use countersign_client::uri::{self, Collector};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// Texts as QR codes.
#[derive(Subcommand, Debug)]
pub enum QrCommand {
    /// Show a text as a QR code, or as numbered codes if it is long
    Show(ShowArgs),
    /// Tell what the QR codes in images say; the parts of a long text in any order
    Read(ReadArgs),
}

/// A text to show.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// A proposal (.csp), a text (countersign:…), an id (csa1…), a name, or - for standard input [default: the account
    /// of the key in use]
    #[arg(value_name = "TEXT|FILE")]
    given: Option<PathBuf>,
    /// Write PNG images instead; with several codes deal.png becomes deal-1.png and so on
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Write SVG images instead, numbered in the same way
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// One code, however large: for a camera or for print
    #[arg(long)]
    single: bool,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

/// Images to read.
#[derive(Args, Debug)]
pub struct ReadArgs {
    /// PNG or JPEG images, or - for standard input
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Write the proposal that is found as a file (.csp)
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long, requires = "output")]
    force: bool,
}

/// Other forms in which a proposal that is written is handed on.
#[derive(Args, Clone, Copy, Debug)]
pub struct Forms {
    /// Print it as a text too, for a message or the clipboard
    #[arg(long)]
    pub text: bool,
    /// Draw it as QR codes at the terminal too
    #[arg(long)]
    pub qr: bool,
}

impl Forms {
    /// True if there is one.
    pub fn any(self) -> bool {
        self.text || self.qr
    }

    /// Adds the forms to a result: `text` and `codes` for programs; what is returned for people.
    pub fn add(self, proposal: &Proposal, result: &mut Json) -> Result<String, Failure> {
        let mut shown = String::new();
        let text = uri::of_proposal(proposal);
        if self.qr {
            let codes = qr::codes(&text)?;
            result["codes"] = codes.iter().map(Code::text).collect();
            shown.push_str(&format!("\n\n{}", drawn(&codes)));
        }
        if self.text {
            shown.push_str(&format!("\n\n{text}"));
            result["text"] = json!(text);
        }
        Ok(shown)
    }
}

/// Runs the command.
pub async fn run(session: &mut Session, command: QrCommand) -> Result<(), Failure> {
    match command {
        QrCommand::Show(args) => show(session, &args).await,
        QrCommand::Read(args) => read(&session.output, &args),
    }
}

async fn show(session: &mut Session, args: &ShowArgs) -> Result<(), Failure> {
    let text = text_of(session, args.given.as_deref()).await?;
    let codes = if args.single { vec![Code::single(&text)?] } else { qr::codes(&text)? };
    let paths = |file: &Option<PathBuf>| -> Vec<Option<PathBuf>> {
        (1..=codes.len()).map(|number| file.as_ref().map(|file| numbered(file, number, codes.len()))).collect()
    };
    let (pngs, svgs) = (paths(&args.png), paths(&args.svg));
    let written: Vec<&PathBuf> = pngs.iter().chain(&svgs).flatten().collect();
    written.iter().try_for_each(|path| files::check_new(path, args.force))?;
    for (code, (png, svg)) in codes.iter().zip(pngs.iter().zip(&svgs)) {
        if let Some(path) = png {
            files::write(path, &code.png())?;
        }
        if let Some(path) = svg {
            files::write(path, code.svg().as_bytes())?;
        }
    }
    let items = codes.iter().zip(pngs.iter().zip(&svgs)).map(|(code, (png, svg))| {
        let name = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        json!({ "text": code.text(), "modules": code.modules(), "png": name(png), "svg": name(svg) })
    });
    let result = json!({ "text": text, "codes": items.collect::<Vec<_>>() });
    session.output.result(&result, || match written.is_empty() {
        true => drawn(&codes),
        false => {
            let names: Vec<_> = written.iter().map(|path| path.display().to_string()).collect();
            format!("Written to {}", names.join(", "))
        }
    });
    Ok(())
}

/// What is to be shown, checked: nobody is shown a code of something mistyped.
async fn text_of(session: &mut Session, given: Option<&Path>) -> Result<String, Failure> {
    let Some(given) = given else {
        return Ok(session.key()?.account.to_string());
    };
    let typed = given.to_str().unwrap_or_default().trim();
    if uri::is_id(typed) {
        return Ok(typed.into());
    }
    if !uri::is_one(typed) && given != Path::new("-") && !given.exists() {
        return Ok(session.account(typed).await?.to_string());
    }
    let text = intake::only_text(given)?;
    let checked = match uri::kind(&text).as_deref() {
        Ok(uri::TRANSACTION | uri::DOCUMENT) => uri::to_proposal(&text).map(drop),
        Ok("request") => return Ok(text.parse::<RequestCode>().map(|_| text)?),
        Ok(_) => Ok(()),
        Err(bad) => Err(bad.clone()),
    };
    checked.map_err(|cause| Failure::BadText { place: named(&text), cause })?;
    Ok(text)
}

/// `deal.png` for the only code, `deal-2.png` for the second of several.
fn numbered(file: &Path, number: usize, count: usize) -> PathBuf {
    if count == 1 {
        return file.into();
    }
    let mut name = file.file_stem().unwrap_or_default().to_os_string();
    name.push(format!("-{number}"));
    if let Some(extension) = file.extension() {
        name.push(".");
        name.push(extension);
    }
    file.with_file_name(name)
}

/// Codes for the terminal, each with its number.
pub fn drawn(codes: &[Code]) -> String {
    let draw = |(number, code): (usize, &Code)| match codes.len() {
        1 => code.draw(is_coloured()),
        count => format!("{number} of {count}\n{}", code.draw(is_coloured())),
    };
    (1..).zip(codes).map(draw).collect::<Vec<_>>().join("\n\n")
}

fn read(output: &Output, args: &ReadArgs) -> Result<(), Failure> {
    if let Some(path) = &args.output {
        files::check_new(path, args.force)?;
    }
    let (mut texts, mut ids, mut unread) = (Collector::default(), Vec::new(), 0);
    for path in &args.images {
        let place = || path.display().to_string();
        let found = intake::codes_of(path)?;
        unread += found.unread;
        for text in &found.texts {
            if uri::is_one(text) {
                texts.add(text).map_err(|cause| Failure::BadText { place: place(), cause })?;
            } else if uri::is_id(text) {
                ids.push(text.to_ascii_lowercase());
            } else {
                let says = text.chars().take(limits::TEXT_BYTES_MAX).collect();
                return Err(Failure::OtherCode { path: place(), says });
            }
        }
    }
    let mut items: Vec<Json> = ids.iter().map(|id| json!({ "kind": "id", "text": id })).collect();
    let (mut proposals, mut lines) = (Vec::new(), ids);
    for text in intake::finish(texts, unread)? {
        let failed = |cause| Failure::BadText { place: named(&text), cause };
        let kind = uri::kind(&text).map_err(failed)?;
        if [uri::TRANSACTION, uri::DOCUMENT].contains(&kind.as_str()) {
            proposals.push(uri::to_proposal(&text).map_err(failed)?);
        }
        items.push(json!({ "kind": kind, "text": text }));
        lines.push(text);
    }
    if let Some(path) = &args.output {
        let (merged, copies) = proposals.split_first_mut().ok_or(Failure::NothingGiven)?;
        let failed = |source| Failure::BadProposal { path: path.display().to_string(), source };
        copies.iter().try_for_each(|copy| merged.merge(copy)).map_err(failed)?;
        files::write_proposal(path, merged)?;
    }
    let file = args.output.as_ref().map(|path| path.display().to_string());
    output.result(&json!({ "items": items, "unread": unread, "file": file }), || match &file {
        Some(file) => format!("Written to {file}"),
        None => lines.join("\n"),
    });
    Ok(())
}
