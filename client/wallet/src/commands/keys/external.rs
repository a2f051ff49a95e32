//! Keys that are kept elsewhere: the wallet knows the program that signs with them, and tries it once before it relies on it.
use crate::failure::Failure;
use crate::session::Session;
use clap::Args;
use countersign_client::Signer;
use countersign_client::signer::{Program, ProgramSigner};
use countersign_client::types::{AccountId, Hash, PublicKey};
use std::path::PathBuf;

/// A key and its program.
#[derive(Args, Debug)]
pub struct ExternalArgs {
    /// The key's name: lower-case letters, digits, `-_.@+`
    name: String,
    /// The public key, csk1…
    #[arg(long, value_name = "KEY")]
    public_key: PublicKey,
    /// The program: it gets the bytes to sign on standard input and answers the signature in hexadecimal on standard output
    #[arg(long, value_name = "FILE")]
    program: PathBuf,
    /// An argument of the program; may come several times. Never a secret
    #[arg(long = "program-arg", value_name = "ARG", allow_hyphen_values = true)]
    program_args: Vec<String>,
}

/// Tries the program and stores the key.
pub fn add(session: &Session, args: &ExternalArgs) -> Result<(), Failure> {
    let path = std::path::absolute(&args.program);
    let path = path.map_err(|source| Failure::Io { path: args.program.display().to_string(), source })?;
    let program = Program { path, args: args.program_args.clone() };
    let signer = ProgramSigner::new(AccountId::of_key(&args.public_key), args.public_key, program.clone());
    session.output.note("The program is asked for a signature, to see whether it answers …");
    // A hash in a domain of its own: the signature is good for nothing else.
    signer.try_sign(&Hash::of("signer-trial", &args.public_key.0).0)?;
    super::show(session, &session.keystore.store_external(&args.name, args.public_key, None, &program)?);
    Ok(())
}
