//! What a report costs from the socket's text to the bytes that all viewers share.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use relay_codec::server::{
    config::SocketProtocol,
    relay::{Followed, read_progress, upstream::Conversation},
};

const SOCKET_IO: &str = r#"42["import-job-662f8c1e9b1d8a0012345678",{"processedProducts":120,"failedProducts":3,"totalProducts":500}]"#;
const PLAIN: &str = r#"{"event":"import-job-662f8c1e9b1d8a0012345678","data":{"processedProducts":120,"failedProducts":3,"totalProducts":500}}"#;
const PROGRESS: &[u8] = br#"{"processedProducts":120,"failedProducts":3,"totalProducts":500,"isCompleted":false,"completedAt":null}"#;

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    let mut socket_io = Conversation::new(SocketProtocol::SocketIo, "http://127.0.0.1");
    assert_eq!(socket_io.text(SOCKET_IO), Some(1));
    group.bench_function("Socket.IO event", |bench| {
        bench.iter(|| socket_io.text(black_box(SOCKET_IO)));
    });
    let mut plain = Conversation::new(SocketProtocol::WebSocket, "http://127.0.0.1");
    assert_eq!(plain.text(PLAIN), Some(1));
    group.bench_function("plain event", |bench| {
        bench.iter(|| plain.text(black_box(PLAIN)));
    });
    assert!(read_progress(PROGRESS));
    group.bench_function("REST answer", |bench| {
        bench.iter(|| read_progress(black_box(PROGRESS)));
    });
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(1));
    let mut followed = Followed::new();
    assert!(followed.report() > 100);
    group.bench_function("report to frame", |bench| bench.iter(|| followed.report()));
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);
