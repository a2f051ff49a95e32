//! The engine's view of the network: an actor that hands every message on to the swarm's task.
use crate::context::Context;
use async_trait::async_trait;
use malachitebft_app_channel::app::engine::network::{Msg, NetworkRef};
use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr};
use tokio::sync::mpsc;

struct Relay;

/// Starts the actor. It fails, and the engine with it, once the task has ended.
pub(super) async fn spawn(messages: mpsc::Sender<Msg<Context>>) -> Result<NetworkRef<Context>, SpawnErr> {
    let (actor, _) = Actor::spawn(None, Relay, messages).await?;
    Ok(actor)
}

#[async_trait]
impl Actor for Relay {
    type Msg = Msg<Context>;
    type State = mpsc::Sender<Msg<Context>>;
    type Arguments = Self::State;

    async fn pre_start(
        &self,
        _: ActorRef<Msg<Context>>,
        messages: Self::State,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(messages)
    }

    async fn handle(
        &self,
        _: ActorRef<Msg<Context>>,
        message: Msg<Context>,
        messages: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        messages.send(message).await.map_err(|_| super::Stopped.into())
    }
}
