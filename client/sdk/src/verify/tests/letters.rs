//! Whom letters are sealed to, and who has signed those that came, is believed with proof only.
use super::super::*;
use super::world::*;
use crate::messaging::Correspondent;
use crate::messaging::correspondent::CorrespondentError;
use crate::rpc::ClientError;
use crate::rpc_types::HexBytes;
use crate::types::{Account, Authority, Member, PublicKey, Status};
use parity_scale_codec::Encode;
use serde_json::{Value as Json, json};

async fn found(world: World, who: &str) -> Result<Correspondent, CorrespondentError> {
    let verification = Verification::of(world.chain());
    let (client, _server) = world.serve(verification).await;
    Correspondent::find(&client, who).await
}

#[tokio::test]
async fn a_correspondents_keys_are_proven() {
    let hotel = found(World::new(), HOTELS_NAME).await.unwrap();
    assert_eq!((hotel.account, hotel.name.as_str(), hotel.is_active), (HOTEL, HOTELS_NAME, true));
    assert_eq!(hotel.receiving_key().unwrap(), [11; 32]);
    assert_eq!(found(World::new(), &HOTEL.to_string()).await.unwrap(), hotel);
    let nobody = found(World::new(), "nobody.example").await;
    assert!(matches!(nobody, Err(CorrespondentError::Unknown { .. })));
}

#[tokio::test]
async fn a_node_that_puts_its_own_key_in_anothers_place_is_refused() {
    let world = World::new();
    let verification = Verification::of(world.chain());
    let (client, _server) = world.serve(verification).await;
    let account = client.verified_account(&HOTEL).await.unwrap().value.unwrap();
    let member = client.verified_member(&HOTEL).await.unwrap().value.unwrap();
    let spied = Account { encryption_key: Some([66; 32]), ..account.clone() };
    let taken = Account { authority: Authority::single(PublicKey([66; 32])), ..account.clone() };
    let freed = Member { status: Status::Suspended, ..member.clone() };
    let lies =
        [(account.encode(), spied.encode()), (account.encode(), taken.encode()), (member.encode(), freed.encode())];
    for (told, forged) in lies.map(|(told, forged)| (json!(HexBytes(told)), json!(HexBytes(forged)))) {
        let lying = World::new().lie("state_proof", move |answer: &mut Json| {
            if answer["value"] == told {
                answer["value"] = forged.clone();
            }
        });
        let refused = found(lying, HOTELS_NAME).await.unwrap_err();
        assert!(
            matches!(&refused, CorrespondentError::Ledger(ClientError::Unverified(VerifyError::Proof(_)))),
            "{refused}"
        );
        assert!(!refused.is_verdict(), "nothing is known of the sender then");
    }
}
