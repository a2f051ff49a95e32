//! A network whose nodes relay for merchants' sites, with the sites, as the ledger knows them.
//!
//! ```text
//! wallet ─RPC→ node with a relay ─TLS→ Interceptor ─TLS→ Site
//!                  ▲ libp2p: messages between relays
//! ```
use crate::{COUNCIL, Interceptor, Network, Person, Plan, Site};
use anyhow::Context as _;
use countersign_interface::Method as _;
use countersign_interface::governance::AdmitNode;
use countersign_interface::registry::SetSite;
use countersign_types::{List, PublicKey};
use std::fs;
use std::path::Path;

/// A member that has users.
#[derive(Debug)]
pub struct Place {
    /// The member's name.
    pub name: String,
    /// Its site.
    pub site: Site,
    /// Between the relays and the site; without it nobody answers at the site's address.
    pub interceptor: Option<Interceptor>,
    /// Where the relays find the site, as the ledger says.
    pub endpoint: String,
    /// Numbers of the nodes that relay for it; the first keeps the messages.
    pub relays: Vec<usize>,
}

/// A network with merchants' sites.
#[derive(Debug)]
pub struct Town {
    /// The nodes; each has its relay turned on.
    pub network: Network,
    /// The merchants.
    pub places: Vec<Place>,
}

impl Town {
    /// Makes it in `dir` and starts everything. `merchants` are members of the plan, each with the nodes that relay for it.
    ///
    /// # Errors
    /// If a program does not start, or the ledger refuses what it is told of nodes and sites.
    pub fn open(dir: &Path, plan: Plan, merchants: &[(&str, &[usize])]) -> anyhow::Result<Self> {
        let mut network = Network::make(&dir.join("network"), plan)?;
        let mut places = Vec::new();
        for (name, relays) in merchants {
            places.push(place(dir, name, relays, &network)?);
        }
        let trusted = dir.join("trusted.pem");
        let pems = places.iter().map(|place| fs::read_to_string(place.site.certificate()));
        fs::write(&trusted, pems.collect::<Result<Vec<_>, _>>()?.concat())?;
        for n in network.all() {
            network.set(n, "COUNTERSIGN_RELAY_ENABLED", "true");
            network.set(n, "COUNTERSIGN_RELAY_TRUSTED_CERTIFICATES", &trusted.display().to_string());
        }
        network.start_all()?;
        let town = Self { network, places };
        town.tell_the_ledger()?;
        Ok(town)
    }

    fn tell_the_ledger(&self) -> anyhow::Result<()> {
        let council = [Person::named(COUNCIL[0]), Person::named(COUNCIL[1])];
        let accounts = council.map(|member| member.account);
        for n in self.network.all() {
            let member = Person::named(COUNCIL[n % COUNCIL.len()]).account;
            let address = self.network.listen(n).parse()?;
            let admit = AdmitNode { key: self.network.key(n), member, address };
            self.network.decide(admit.call(&accounts), &council)?;
        }
        self.places.iter().try_for_each(|place| self.set_site(&place.name, &place.site.key(), &place.relays))?;
        self.network.until_level()
    }

    /// Has a member tell the ledger the key of its site's answers, and which nodes relay for it.
    ///
    /// # Errors
    /// If the ledger refuses.
    pub fn set_site(&self, name: &str, key: &PublicKey, relays: &[usize]) -> anyhow::Result<()> {
        let member = Person::named(name);
        let relays: Vec<PublicKey> = relays.iter().map(|n| self.network.key(*n)).collect();
        let relays = List::try_from(relays).map_err(|_| anyhow::anyhow!("a site has a few relays"))?;
        let site = SetSite { endpoint: self.place(name)?.endpoint.parse()?, key: *key, relays };
        self.network.decide(site.call(&[member.account]), &[member])?;
        self.network.until_level()
    }

    /// The merchant of this name, or the one at whose site a user of this name is.
    ///
    /// # Errors
    /// If there is none.
    pub fn place(&self, name: &str) -> anyhow::Result<&Place> {
        let site = name.rsplit('@').next();
        self.places.iter().find(|place| Some(place.name.as_str()) == site).with_context(|| format!("no site of {name}"))
    }

    /// The same, to change it.
    ///
    /// # Errors
    /// If there is none.
    pub fn place_mut(&mut self, name: &str) -> anyhow::Result<&mut Place> {
        let found = self.places.iter_mut().find(|place| place.name == name);
        found.with_context(|| format!("no site of {name}"))
    }

    /// `host:port` of the RPC of the node that keeps the messages of this merchant and its users.
    ///
    /// # Errors
    /// If there is no such merchant.
    pub fn home(&self, name: &str) -> anyhow::Result<String> {
        let place = self.place(name)?;
        let home = place.relays.first().context("a site has a relay")?;
        Ok(self.network.node(*home).address().to_owned())
    }
}

impl Place {
    /// Starts the site again with these lines more in its settings; log-ins and sessions at the site are forgotten.
    ///
    /// # Errors
    /// If it does not start.
    pub fn restart_with(&mut self, lines: &str) -> anyhow::Result<()> {
        self.site.kill()?;
        self.site.set(lines)?;
        self.site.start()?;
        self.interceptor.as_ref().map_or(Ok(()), |interceptor| interceptor.follow(&self.site))
    }
}

fn place(dir: &Path, name: &str, relays: &[usize], network: &Network) -> anyhow::Result<Place> {
    let mut site = Site::make(&dir.join(name), name, &network.chain())?;
    relays.iter().try_for_each(|n| site.grant(&network.key(*n)))?;
    site.start()?;
    let interceptor = Interceptor::before(&site)?;
    let (name, endpoint, relays) = (name.to_owned(), interceptor.endpoint(), relays.to_vec());
    Ok(Place { name, site, interceptor: Some(interceptor), endpoint, relays })
}
