//! Story 1.5 through real processes: nodes that relay, merchants' sites behind TLS, wallets. People log in at their merchant's site
//! through a relay that learns no password, and write to each other across relays, one of which may lose its power at any time;
//! whatever is not right is refused, by its code. Scripts wait for conditions, never for a time.
mod crashes;
mod envelopes;
mod letters;
mod login;
mod password;
mod purchase;
mod refusals;
mod scene;
mod sessions;
