//! What a block costs the state: 2000 changed keys among 200 000.
#![allow(missing_docs, reason = "criterion's macro makes a public function")]
use countersign_state::tree::{Tree, Update};
use countersign_state::{Changes, Overlay, Snapshot, StateRead};
use countersign_types::{Hash, Height};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use parity_scale_codec::Encode;
use std::hint::black_box;

const KEYS: u64 = 200_000;
const KEYS_PER_BLOCK: u64 = 2_000;

/// 41 bytes: a space and two identifiers, as a balance's.
fn key(n: u64) -> Vec<u8> {
    let mut key = vec![b'b'];
    key.extend(Hash::of("bench", &n.to_le_bytes()).0);
    key.extend(n.to_le_bytes());
    key
}

/// 100 bytes that differ from block to block.
fn value(block: u64, n: u64) -> Vec<u8> {
    (block ^ n).to_le_bytes().iter().copied().cycle().take(100).collect()
}

/// Keys of a block: spread over all, others in the next.
fn keys_of(block: u64) -> impl Iterator<Item = u64> {
    (0..KEYS_PER_BLOCK).map(move |n| (n * 7919 + block * 104_729) * 2_654_435_761 % KEYS)
}

fn changes_of(block: u64) -> Changes {
    Changes { values: keys_of(block).map(|n| (key(n), Some(value(block, n)))).collect(), ..Changes::default() }
}

fn updates_of(block: u64) -> Vec<Update> {
    keys_of(block).map(|n| (Hash::of("state-key", &key(n)), Some(Hash::of("state-value", &value(block, n))))).collect()
}

fn filled() -> Snapshot {
    let values = (0..KEYS).map(|n| (key(n), Some(value(0, n)))).collect();
    Snapshot::empty().apply(Height::ZERO, &Changes { values, ..Changes::default() })
}

fn tree(c: &mut Criterion) {
    let mut group = c.benchmark_group("tree");
    group.throughput(Throughput::Elements(KEYS));
    let all: Vec<Update> = (0..KEYS).map(|n| (Hash::of("state-key", &key(n)), Some(Hash::ZERO))).collect();
    group.sample_size(10);
    group.bench_function("build 200k keys", |b| {
        b.iter_batched(|| all.clone(), |all| Tree::default().update(all), BatchSize::LargeInput);
    });
    group.throughput(Throughput::Elements(KEYS_PER_BLOCK));
    group.sample_size(50);
    let mut current = Tree::default().update(all);
    let mut block = 0;
    group.bench_function("update 2000 of 200k keys", |b| {
        b.iter_batched(
            || {
                block += 1;
                updates_of(block)
            },
            |updates| current = current.update(updates),
            BatchSize::PerIteration,
        );
    });
}

fn snapshot(c: &mut Criterion) {
    let mut current = filled();
    let mut group = c.benchmark_group("snapshot");
    let mut block = 0;
    group.throughput(Throughput::Elements(KEYS_PER_BLOCK));
    group.bench_function("apply 2000 of 200k keys", |b| {
        b.iter_batched(
            || {
                block += 1;
                changes_of(block)
            },
            |changes| {
                let next = current.apply(Height::new(1), &changes);
                std::mem::replace(&mut current, next)
            },
            BatchSize::PerIteration,
        );
    });
    let ids: Vec<Hash> = (0..KEYS_PER_BLOCK).map(|n| Hash::of("id", &n.to_le_bytes())).collect();
    group.bench_function("remember 2000 ids", |b| {
        b.iter_batched(
            || {
                block += 1;
                let ids = ids.iter().map(|id| Hash::of("id", &[&id.0[..], &block.to_le_bytes()].concat())).collect();
                Changes { seen: [(7 + block / 64, ids)].into(), ..Changes::default() }
            },
            |changes| current = current.apply(Height::new(1), &changes),
            BatchSize::PerIteration,
        );
    });
    group.throughput(Throughput::Elements(1));
    let mut n = 0;
    group.bench_function("get", |b| {
        let keys: Vec<_> = (0..KEYS).step_by(7).map(key).collect();
        b.iter(|| {
            n = (n + 7919) % keys.len();
            current.get(&keys[n])
        });
    });
    group.bench_function("overlay: savepoint, 2 reads, 2 writes, commit", |b| {
        let keys: Vec<_> = (0..KEYS).step_by(7).map(key).collect();
        let mut overlay = Overlay::new(&current);
        let mut written = 0;
        b.iter(|| {
            written += 1;
            if written % KEYS_PER_BLOCK == 0 {
                overlay = Overlay::new(&current);
            }
            let savepoint = overlay.savepoint();
            for _ in 0..2 {
                n = (n + 7919) % keys.len();
                let value = overlay.get(&keys[n]).unwrap_or_default();
                overlay.set(keys[n].clone(), value);
            }
            overlay.commit(savepoint);
        });
    });
}

fn proof(c: &mut Criterion) {
    let state = filled();
    let root = state.root();
    let mut group = c.benchmark_group("proof");
    let keys: Vec<_> = (0..2 * KEYS).step_by(401).map(key).collect();
    let mut sizes: Vec<_> = keys.iter().map(|key| state.prove(key).encoded_size()).collect();
    sizes.sort_unstable();
    println!("proof bytes: median {}, longest of {} {}", sizes[sizes.len() / 2], sizes.len(), sizes[sizes.len() - 1]);
    let mut n = 0;
    group.bench_function("prove", |b| {
        b.iter(|| {
            n = (n + 1) % keys.len();
            state.prove(&keys[n])
        });
    });
    let present = state.prove(&key(1));
    group.bench_function("verify", |b| {
        b.iter(|| black_box(&present).verify(&root, &key(1), Some(&value(0, 1))).expect("the key is present"));
    });
}

criterion_group!(benches, tree, snapshot, proof);
criterion_main!(benches);
