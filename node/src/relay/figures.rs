//! The relay's part of `/metrics`.
use super::Access;
use countersign_relay::RelayFigures;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// The text of the figures; `None` on a node that does not relay.
pub(crate) fn text(access: &Access) -> Option<String> {
    let figures = match access {
        Access::Off => return None,
        Access::Failed => RelayFigures { failed: true, ..RelayFigures::default() },
        Access::On(relay) => relay.figures(),
    };
    let mut text = String::new();
    encode(&mut text, &registry(&figures)).expect("writing into a String cannot fail");
    Some(text)
}

/// The figures under their names, as they are now.
fn registry(figures: &RelayFigures) -> Registry {
    let mut registry = Registry::with_prefix("countersign_relay");
    let gauges = [
        ("up", "1 while the relay's files can be used, else 0", u64::from(!figures.failed)),
        ("sessions", "Sessions that have not ended", figures.sessions),
        ("subscriptions", "Wallets that are connected", figures.subscriptions),
        ("inbox_messages", "Messages that wait to be fetched", figures.inbox_messages),
        ("inbox_bytes", "Their bytes", figures.inbox_bytes),
        ("outbox_messages", "Messages that wait to be forwarded", figures.outbox_messages),
        ("outbox_bytes", "Their bytes", figures.outbox_bytes),
    ];
    for (name, help, value) in gauges {
        registry.register(name, help, ConstGauge::new(value));
    }
    let counters = [
        ("logins_opened", "Sessions opened", figures.logins_opened),
        ("logins_refused", "Log-ins refused: password, user, key, or too many attempts", figures.logins_refused),
        ("logins_failed", "Log-ins that could not be decided", figures.logins_failed),
        ("messages_accepted", "Messages that wallets handed in", figures.messages_accepted),
        ("messages_refused", "Messages handed in and not taken", figures.messages_refused),
        ("messages_acknowledged", "Messages fetched and forgotten", figures.messages_acknowledged),
        ("messages_received", "Messages that other relays brought", figures.messages_received),
        ("messages_delivered", "Messages that other relays have on disk", figures.messages_delivered),
        ("forwards_unanswered", "Times that another relay gave no answer", figures.forwards_unanswered),
    ];
    for (name, help, value) in counters {
        registry.register(name, help, ConstCounter::new(value));
    }
    registry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_shows_the_figures_of_its_relay_if_it_has_one() {
        assert_eq!(text(&Access::Off), None);
        let failed = text(&Access::Failed).unwrap();
        assert!(failed.contains("countersign_relay_up 0\n") && failed.ends_with("# EOF\n"), "{failed}");
        let figures = RelayFigures { sessions: 3, logins_refused: 7, ..RelayFigures::default() };
        let mut running = String::new();
        encode(&mut running, &registry(&figures)).unwrap();
        for line in
            ["countersign_relay_up 1", "countersign_relay_sessions 3", "countersign_relay_logins_refused_total 7"]
        {
            assert!(running.lines().any(|found| found == line), "{line} in {running}");
        }
    }
}
