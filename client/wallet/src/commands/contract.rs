//! `countersign contract`: what runs on the ledger, what it declares, and what it answers.
use super::propose::{parse_json, read_text, split_call};
use crate::cli::parse_pair;
use crate::failure::Failure;
use crate::output::table;
use crate::session::Session;
use clap::{Args, Subcommand};
use countersign_client::Need;
use countersign_client::display::{mentions, value_words};
use countersign_client::rpc::{ClientError, with_needs};
use countersign_client::types::Interface;
use countersign_client::types::interface::{Method, MethodKind};
use countersign_client::value::{self, Value, ValueError};
use serde_json::{Map, Value as Json, json};

/// What to know of contracts.
#[derive(Subcommand, Debug)]
pub enum ContractCommand {
    /// All contracts and native modules
    List,
    /// What a module declares
    Interface {
        /// The module
        module: String,
    },
    /// Ask a contract
    Query(QueryArgs),
}

/// A question.
#[derive(Args, Debug)]
pub struct QueryArgs {
    /// The query, as module.query
    query: String,
    /// An argument: name=value
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_pair)]
    arg: Vec<(String, String)>,
    /// Arguments as a JSON object
    #[arg(long, value_name = "JSON")]
    args: Option<String>,
}

/// Runs the command.
pub async fn run(session: &mut Session, command: ContractCommand) -> Result<(), Failure> {
    match command {
        ContractCommand::List => list(session).await,
        ContractCommand::Interface { module } => {
            let interface = session.interface(&module).await?;
            let methods = interface.methods.iter().enumerate();
            let selectors: Map<String, Json> = methods
                .map(|(index, method)| (method.name.clone(), json!(format!("{:?}", interface.selector(index)))))
                .collect();
            let text = interface.to_string();
            let result = json!({ "module": module, "text": text, "selectors": selectors });
            session.output.result(&result, || text.trim_end().to_string());
            Ok(())
        }
        ContractCommand::Query(args) => query(session, &args).await,
    }
}

async fn list(session: &Session) -> Result<(), Failure> {
    let contracts = session.client("looking up contracts")?.contracts().await?;
    session.output.result(&contracts, || {
        let rows = contracts.iter().map(|contract| {
            let kind = if contract.native { "native" } else { "contract" };
            let account = contract.account.clone().unwrap_or_default();
            [contract.name.clone(), kind.into(), contract.version.to_string(), contract.status.clone(), account]
        });
        table(["NAME", "KIND", "VERSION", "STATUS", "ACCOUNT"], rows)
    });
    Ok(())
}

fn find_query<'a>(interface: &'a Interface, query: &str) -> Result<&'a Method, Failure> {
    let queries = || interface.methods.iter().filter(|method| method.kind == MethodKind::Query);
    queries().find(|method| method.name == query).ok_or_else(|| Failure::UnknownQuery {
        module: interface.module.to_string(),
        query: query.chars().take(64).collect(),
        known: queries().map(|method| method.name.as_str()).collect::<Vec<_>>().join(", "),
    })
}

async fn query(session: &mut Session, args: &QueryArgs) -> Result<(), Failure> {
    let (module, name) = split_call(&args.query)?;
    let interface = session.interface(&module).await?;
    let method = find_query(&interface, &name)?;
    let mut object = match args.args.as_deref().map(parse_json).transpose()? {
        Some(Json::Object(object)) => object,
        Some(_) => return Err(Failure::BadOption { given: "--args".into(), wanted: "a JSON object" }),
        None => Map::new(),
    };
    for (name, text) in &args.arg {
        let ty = method.fields.iter().find(|field| field.name == *name).map(|field| &field.ty);
        let json = ty.map_or_else(|| Ok(json!(text)), |ty| read_text(session, &interface, ty, text))?;
        object.insert(name.clone(), json);
    }
    let object = Json::Object(object);
    let client = session.client("a query")?.clone();
    let read: Result<Vec<Value>, Failure> =
        with_needs::<_, ValueError, _>(Some(&client), &mut session.directory, |d| {
            value::read_fields(&interface, &method.fields, &object, "args", d)
        })
        .await;
    let given = read?;
    // What is asked about one asset is answered in it.
    let unit = value::asset_beside(&method.fields, &given, None);
    let encoded = value::encode_fields(&interface, &method.fields, &given);
    let answer = client.query(&module, &name, encoded).await?;
    let Some(returns) = &method.returns else {
        return Ok(());
    };
    let bad = |cause: String| ClientError::BadAnswer { method: "contract_query", cause };
    let answer = value::decode(&interface, returns, &answer).map_err(|error| bad(error.to_string()))?;
    let mut needs: Vec<_> = unit.map(Need::Decimals).into_iter().collect();
    mentions(&answer, &session.directory, &mut needs);
    client.learn_all(&mut session.directory, needs).await?;
    let json = value::write(&interface, returns, &answer, unit, &session.directory);
    session.output.result(&json, || match (&answer, value::struct_fields(&interface, returns)) {
        (Value::Struct(values), Some(fields)) => {
            let unit = value::asset_beside(fields, values, unit);
            let pairs = fields.iter().zip(values);
            crate::output::facts(pairs.map(|(field, v)| {
                (field.name.as_str(), value_words(&interface, &field.ty, v, unit, &session.directory))
            }))
        }
        _ => value_words(&interface, returns, &answer, unit, &session.directory),
    });
    Ok(())
}
