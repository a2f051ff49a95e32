//! Whether the node may relay, for which sites, and whether those answer.
use super::view::View;
use super::{Finding, Patient};
use countersign_relay::{certificates, probe};
use countersign_types::{Account, AccountId, Member, Name, NodeRecord, PublicKey, Role, Site, Status, state_key};
use parity_scale_codec::{Decode, DecodeAll};
use std::path::Path;

/// Sites that are asked whether they answer, at the same time: a relay of more than that has an operator with a monitoring of his own.
const SITES_ASKED_MAX: usize = 16;

/// What the ledger says of the node as a relay.
pub(super) struct Relaying {
    pub standing: Standing,
    /// The sites that grant it.
    pub sites: Vec<Granting>,
}

/// Whether the ledger lets the node relay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    NotAdmitted,
    /// The member that runs it is suspended.
    Suspended(Name),
    /// The member has not the role `relay`.
    NoRole(Name),
    MayRelay(Name),
}

/// A site that grants the node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Granting {
    pub name: Name,
    pub status: Status,
    pub endpoint: String,
    /// True if it keeps the messages to the site's users.
    pub is_home: bool,
}

impl Relaying {
    /// Reads it of `own`, this node in the registry, and the sites of `members`; `get` reads a record of the state.
    ///
    /// # Errors
    /// Those of `get`.
    pub fn read<E>(
        key: &PublicKey,
        own: Option<&NodeRecord>,
        members: &[AccountId],
        get: impl Fn(Vec<u8>) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Self, E> {
        let who = |id: &AccountId| -> Result<Option<(Member, Account)>, E> {
            let member = record(get(state_key::member(id))?);
            Ok(member.zip(record(get(state_key::account(id))?)))
        };
        let runs = match own {
            Some(own) => who(&own.member)?.map(|(member, account)| (own, member, account)),
            None => None,
        };
        let mut sites = Vec::new();
        for id in members {
            let site: Option<Site> = record(get(state_key::site(id))?);
            let Some(site) = site.filter(|site| site.relays.contains(key)) else { continue };
            let Some((member, account)) = who(id)? else { continue };
            let is_active = member.status == Status::Active && account.status == Status::Active;
            sites.push(Granting {
                name: member.name,
                status: if is_active { Status::Active } else { Status::Suspended },
                endpoint: site.endpoint.to_string(),
                is_home: site.relays.first() == Some(key),
            });
        }
        Ok(Self { standing: standing(runs), sites })
    }
}

fn standing(runs: Option<(&NodeRecord, Member, Account)>) -> Standing {
    match runs {
        Some((node, member, account)) if node.may_relay(&member, &account) => Standing::MayRelay(member.name),
        Some((node, ..)) if node.status != Status::Active => Standing::NotAdmitted,
        Some((_, member, _)) if !member.roles.contains(&Role::Relay) => Standing::NoRole(member.name),
        Some((_, member, _)) => Standing::Suspended(member.name),
        None => Standing::NotAdmitted,
    }
}

fn record<T: Decode>(bytes: Option<Vec<u8>>) -> Option<T> {
    T::decode_all(&mut &bytes?[..]).ok()
}

pub(super) fn examine(patient: &Patient, view: &View, findings: &mut Vec<Finding>) {
    let config = &patient.config;
    if !config.relay_enabled {
        findings.push(Finding::note("relay", "off: this node relays nothing (relay.enabled)"));
        return;
    }
    let trusted = config.relay_certificates.as_deref().map(|file| config.path(file));
    if let Some(file) = &trusted {
        findings.push(of_certificates(file));
    }
    if let Some(running) = &view.running {
        findings.extend(running.relay.clone());
    }
    let Some(relaying) = &view.relaying else {
        let text = "whether the ledger lets this node relay, and for which sites, is told once it has run";
        findings.push(Finding::note("relay", text));
        return;
    };
    findings.push(of_standing(&patient.keys.network.public(), &relaying.standing));
    if relaying.sites.is_empty() {
        let advice = "its operator grants it: `countersign member site set` with this node's key as --relay, and `countersign-site relay grant`";
        findings.push(Finding::warning("relay", "no site grants this node", advice));
    }
    let active = relaying.sites.iter().filter(|site| site.status == Status::Active && !site.endpoint.is_empty());
    let reached = reach(&active.take(SITES_ASKED_MAX).collect::<Vec<_>>(), trusted.as_deref());
    findings.extend(relaying.sites.iter().map(|site| {
        let answer = reached.iter().find(|(name, _)| *name == site.name);
        of_site(site, answer.map(|(_, answer)| answer))
    }));
}

fn of_certificates(file: &Path) -> Finding {
    match certificates(file) {
        Ok(found) => Finding::ok("relay", format!("{} certificates of sites in {}", found.len(), file.display())),
        Err(error) => Finding::failed("relay", &error, "correct relay.trusted_certificates: the node does not start"),
    }
}

pub(super) fn of_standing(key: &PublicKey, standing: &Standing) -> Finding {
    let error = |text: String, advice: String| Finding::error("relay", text, advice);
    match standing {
        Standing::MayRelay(member) => Finding::ok("relay", format!("{key} may relay, run by {member}")),
        Standing::NotAdmitted => error(
            "the council has not admitted this node, so that it may not relay".into(),
            format!("ask the council to admit {key} (`countersign council node admit`)"),
        ),
        Standing::Suspended(member) => error(
            format!("{member}, which runs this node, is suspended, so that it may not relay"),
            "ask the council to resume the member".into(),
        ),
        Standing::NoRole(member) => error(
            format!("{member}, which runs this node, has not the role `relay`"),
            "ask the council for it (`countersign council roles`)".into(),
        ),
    }
}

/// What is to be said of a site that grants the node; `answer` is why it did not answer, if it was asked.
pub(super) fn of_site(site: &Granting, answer: Option<&Result<(), String>>) -> Finding {
    let name = &site.name;
    let keeps = if site.is_home { "; this node keeps the messages to its users" } else { "" };
    if site.status != Status::Active {
        return Finding::warning(
            "relay",
            format!("{name} grants this node and is suspended: nobody logs in there"),
            "ask the council to resume the member, or its operator what has happened",
        );
    }
    match answer {
        Some(Ok(())) => {
            Finding::ok("relay", format!("{name} grants this node and answers at {}{keeps}", site.endpoint))
        }
        Some(Err(why)) => Finding::warning(
            "relay",
            format!("{name} grants this node and does not answer at {}: {why}{keeps}", site.endpoint),
            "tell its operator; a certificate of its own making belongs into relay.trusted_certificates",
        ),
        None if site.endpoint.is_empty() => {
            Finding::ok("relay", format!("{name} grants this node and has no users to log in{keeps}"))
        }
        None => Finding::note("relay", format!("{name} grants this node; it was not asked whether it answers{keeps}")),
    }
}

/// Asks sites at the same time whether they answer; bounded by what one may take.
fn reach(sites: &[&Granting], trusted: Option<&Path>) -> Vec<(Name, Result<(), String>)> {
    // Without a runtime nobody can be asked, which is said of each.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    runtime.block_on(async {
        let mut asked = tokio::task::JoinSet::new();
        for site in sites {
            let (name, endpoint, trusted) = (site.name.clone(), site.endpoint.clone(), trusted.map(Path::to_path_buf));
            asked.spawn(async move {
                let answer = probe(&endpoint, trusted.as_deref()).await;
                (name, answer.map_err(|error| crate::report::chain(&error)))
            });
        }
        asked.join_all().await
    })
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use countersign_types::{Authority, BoundedText, Height, Timestamp};
    use parity_scale_codec::Encode;
    use std::collections::BTreeMap;
    use std::convert::Infallible;
    use std::net::TcpListener;

    const KEY: PublicKey = PublicKey([7; 32]);
    const OTHER: PublicKey = PublicKey([8; 32]);

    /// A ledger with records of members and sites.
    #[derive(Default)]
    struct Records(BTreeMap<Vec<u8>, Vec<u8>>);

    impl Records {
        fn member(mut self, id: u8, name: &str, status: Status, roles: &[Role]) -> Self {
            let (id, name): (_, Name) = (AccountId([id; 32]), name.parse().unwrap());
            let authority = Authority::single(PublicKey([9; 32]));
            let account =
                Account { authority, member: id, name: name.clone(), status: Status::Active, encryption_key: None };
            let roles = roles.to_vec().try_into().unwrap();
            let member = Member { name, status, roles, admitted_at: Timestamp::from_millis(1) };
            self.0.insert(state_key::member(&id), member.encode());
            self.0.insert(state_key::account(&id), account.encode());
            self
        }

        fn site(mut self, id: u8, endpoint: &str, relays: &[PublicKey]) -> Self {
            let relays = relays.to_vec().try_into().unwrap();
            let site = Site { endpoint: BoundedText::new(endpoint).unwrap(), key: PublicKey([9; 32]), relays };
            self.0.insert(state_key::site(&AccountId([id; 32])), site.encode());
            self
        }

        /// Of the node `KEY`, run by the first member.
        fn read(&self, status: Status) -> Relaying {
            let members = [1, 2, 3].map(|id| AccountId([id; 32]));
            let address = BoundedText::new("").unwrap();
            let own = NodeRecord { member: members[0], address, status, since: Height::new(1) };
            let Ok(read) =
                Relaying::read(&KEY, Some(&own), &members, |key| Ok::<_, Infallible>(self.0.get(&key).cloned()));
            read
        }
    }

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn whether_the_ledger_lets_the_node_relay_is_found_with_the_reason() {
        let stands = |status, roles: &[Role], node| {
            let records = Records::default().member(1, "bank.example", status, roles);
            let standing = records.read(node).standing;
            (of_standing(&KEY, &standing).level, standing)
        };
        let relay = [Role::Merchant, Role::Relay];
        let bank = || name("bank.example");
        assert_eq!(stands(Status::Active, &relay, Status::Active), (Level::Ok, Standing::MayRelay(bank())));
        assert_eq!(stands(Status::Active, &relay, Status::Suspended), (Level::Error, Standing::NotAdmitted));
        assert_eq!(stands(Status::Suspended, &relay, Status::Active), (Level::Error, Standing::Suspended(bank())));
        assert_eq!(stands(Status::Active, &[], Status::Active), (Level::Error, Standing::NoRole(bank())));
        let Ok(unknown) = Relaying::read(&KEY, None, &[], |_| Ok::<_, Infallible>(None));
        assert_eq!(unknown.standing, Standing::NotAdmitted);
    }

    #[test]
    fn sites_that_grant_the_node_are_found_and_others_not() {
        let records = Records::default()
            .member(1, "bank.example", Status::Active, &[Role::Relay])
            .member(2, "hotel.example", Status::Active, &[])
            .member(3, "books.example", Status::Suspended, &[])
            .site(1, "", &[KEY])
            .site(2, "https://login.hotel.example", &[OTHER, KEY])
            .site(3, "https://login.books.example", &[KEY, OTHER]);
        let sites = records.read(Status::Active).sites;
        let seen: Vec<_> = sites.iter().map(|site| (site.name.to_string(), site.is_home, site.status)).collect();
        let expected =
            [("bank", true, Status::Active), ("hotel", false, Status::Active), ("books", true, Status::Suspended)];
        assert_eq!(seen, expected.map(|(name, home, status)| (format!("{name}.example"), home, status)));
        let levels = |answer: Option<Result<(), String>>| {
            sites.iter().map(|site| of_site(site, answer.as_ref()).level).collect::<Vec<_>>()
        };
        assert_eq!(levels(None), [Level::Ok, Level::Note, Level::Warning]);
        assert_eq!(levels(Some(Ok(()))), [Level::Ok, Level::Ok, Level::Warning]);
        assert_eq!(levels(Some(Err("gone".into()))), [Level::Warning; 3]);
        let others = records.site(1, "", &[OTHER]).site(2, "", &[]).site(3, "", &[OTHER]);
        assert!(others.read(Status::Active).sites.is_empty());
    }

    #[test]
    fn a_site_that_is_not_there_is_told_with_the_reason() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let site = |endpoint: String| Granting {
            name: name("hotel.example"),
            status: Status::Active,
            endpoint,
            is_home: true,
        };
        let away = site(format!("https://127.0.0.1:{port}"));
        let answers = reach(&[&away], None);
        assert_eq!(answers.len(), 1);
        let found = of_site(&away, Some(&answers[0].1));
        assert!(found.level == Level::Warning && found.text.contains(&away.endpoint), "{found}");
        assert!(found.text.contains("refused") && found.advice.is_some(), "{found}");
    }
}
