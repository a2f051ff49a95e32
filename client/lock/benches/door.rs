//! How long a lock takes to open: five signatures of seven validators, one of the holder, two proofs.
#![allow(missing_docs, reason = "criterion's macro makes a public function")]
#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

#[allow(dead_code, reason = "the tests use all of the scene")]
#[path = "../tests/door/scene.rs"]
mod scene;

fn open(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("door");
    for validators in [4, 7] {
        let scene = scene::Scene::with(validators, |scene| scene.strangers = 200_000);
        let (lock, credential) = scene::asked(&scene);
        let text = credential.to_text();
        group.bench_function(format!("open/{validators} validators"), |bencher| {
            bencher.iter(|| {
                let credential = countersign_lock::Credential::from_text(black_box(&text)).expect("it is whole");
                lock.clone().open(&credential, scene::ms(scene::NOW)).expect("it is the right one")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, open);
criterion_main!(benches);
