//! What a signature costs: alone, and in batches of the sizes blocks and gossip bring.
//!
//! `cargo bench -p countersign-types`. Batches use all cores; `RAYON_NUM_THREADS=1` shows the cost on one.
#![allow(missing_docs)]
use countersign_types::Signature;
use countersign_types::signature::{Claim, public_key, sign, verify, verify_batch};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn signatures(criterion: &mut Criterion) {
    let secrets: Vec<[u8; 32]> = (0..256_u16).map(|n| [(n % 251) as u8 + 1; 32]).collect();
    let messages: Vec<[u8; 32]> = (0..=255).map(|n| [n; 32]).collect();
    let keys: Vec<_> = secrets.iter().map(public_key).collect();
    let signatures: Vec<Signature> =
        secrets.iter().zip(&messages).map(|(secret, message)| sign(secret, message)).collect();
    let claims: Vec<Claim<'_>> = keys
        .iter()
        .zip(&messages)
        .zip(&signatures)
        .map(|((key, message), signature)| Claim { key, message, signature })
        .collect();

    let mut group = criterion.benchmark_group("signatures");
    group.throughput(Throughput::Elements(1));
    group.bench_function("sign", |bench| bench.iter(|| sign(black_box(&secrets[0]), &messages[0])));
    group.bench_function("verify", |bench| bench.iter(|| verify(&keys[0], black_box(&messages[0]), &signatures[0])));
    for size in [1, 8, 64, 256] {
        group.throughput(Throughput::Elements(size as u64));
        group.bench_with_input(BenchmarkId::new("verify_batch", size), &claims[..size], |bench, claims| {
            bench.iter(|| verify_batch(black_box(claims)));
        });
    }
    group.finish();
}

criterion_group!(benches, signatures);
criterion_main!(benches);
