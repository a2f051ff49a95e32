//! Orders: what a point of sale asks a card to pay, in a file that travels to the device that reads the card.
use super::super::propose::parse_json;
use crate::failure::Failure;
use crate::files;
use crate::session::Session;
use clap::Args;
use countersign_client::card;
use countersign_client::types::{AssetId, Name, Text};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};

const FORMAT: &str = "countersign-card-order";
/// Version of the file this program reads and writes.
const VERSION: u32 = 1;
/// Bytes of an order's file: names and texts at their longest, twice.
const FILE_BYTES_MAX: usize = 4 * 1024;

/// A new order.
#[derive(Args, Debug)]
pub struct OrderArgs {
    /// Who is paid, by name
    #[arg(long, value_name = "NAME")]
    payee: Name,
    /// The asset, such as EUR
    #[arg(long)]
    asset: AssetId,
    /// The price, such as 12.50
    #[arg(long)]
    amount: String,
    /// The order's id, which this device uses once [default: a random one]
    #[arg(long, value_name = "ID")]
    order: Option<String>,
    /// The new order file
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

/// An order as its file has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    format: String,
    version: u32,
    /// Name of the payee.
    pub payee: String,
    /// The asset's symbol.
    pub asset: String,
    /// In whole units with decimals, as it was typed.
    pub amount: String,
    /// The id, which the paying device uses once.
    pub order: String,
}

/// Writes an order; its names and amount are checked against the ledger as far as one can be asked.
pub async fn make(session: &mut Session, args: OrderArgs) -> Result<(), Failure> {
    files::check_new(&args.output, args.force)?;
    if session.node().is_some() {
        session.account(args.payee.as_str()).await?;
    }
    let order = match args.order {
        Some(id) if Text::new(&id).is_ok_and(|id| !id.is_empty()) => id,
        Some(id) => {
            return Err(Failure::BadOption {
                given: id.chars().take(60).collect(),
                wanted: "an order's id: a short text",
            });
        }
        None => card::order_id()?,
    };
    let asset = args.asset.as_str().to_owned();
    let payee = args.payee.to_string();
    let order = Order { format: FORMAT.into(), version: VERSION, payee, asset, amount: args.amount, order };
    let text = serde_json::to_string_pretty(&order).expect("strings and a number are always JSON");
    files::write(&args.output, format!("{text}\n").as_bytes())?;
    let file = args.output.display().to_string();
    let result = json!({
        "file": file, "payee": order.payee, "asset": order.asset, "amount": order.amount, "order": order.order
    });
    session.output.result(&result, || {
        format!("Order {} of {} {} for {} written to {file}", order.order, order.amount, order.asset, order.payee)
    });
    Ok(())
}

/// Reads an order's file.
pub fn read(path: &Path) -> Result<Order, Failure> {
    let bytes = files::read(path, FILE_BYTES_MAX)?;
    let wrong = || Failure::WrongSubject {
        path: path.display().to_string(),
        found: "file that is no order of a point of sale",
        command: "countersign card order",
    };
    let json = parse_json(std::str::from_utf8(&bytes).map_err(|_| wrong())?).map_err(|_| wrong())?;
    let order: Order = serde_json::from_value(json).map_err(|_| wrong())?;
    if order.format == FORMAT && order.version == VERSION { Ok(order) } else { Err(wrong()) }
}
