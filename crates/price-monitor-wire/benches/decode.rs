//! Measures reading a report: from Socket.IO, from a plain WebSocket and from REST.
#![allow(missing_docs, clippy::expect_used)] // a benchmark may panic

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use price_monitor_wire::{Dialect, Incoming, Protocol, Reading, Recovery, Service};

const SOCKET_IO: &str = r#"42["import-job-662f8c1e9b1d8a0012345678",{"processedProducts":120,"failedProducts":3,"totalProducts":500}]"#;
const PLAIN: &str = r#"{"event":"import-job-662f8c1e9b1d8a0012345678","data":{"processedProducts":120,"failedProducts":3,"totalProducts":500}}"#;
const PROGRESS: &[u8] = br#"{"processedProducts":120,"failedProducts":3,"totalProducts":500,"isCompleted":false,"completedAt":null}"#;

fn conversation(protocol: Protocol) -> Dialect {
    let service = Service {
        url: "http://127.0.0.1".parse().expect("an address"),
        protocol,
        api_key: "key".into(),
    };
    Dialect::new(&service, Recovery::default())
}

fn is_report(dialect: &mut Dialect, frame: &str) -> bool {
    matches!(
        dialect.text(frame).as_deref(),
        Ok([Incoming::Report { .. }])
    )
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    let mut socket_io = conversation(Protocol::SocketIo);
    let open = r#"0{"sid":"a","pingInterval":300,"pingTimeout":200}"#;
    socket_io.text(open).expect("a handshake");
    assert!(is_report(&mut socket_io, SOCKET_IO));
    group.bench_function("Socket.IO event", |bench| {
        bench.iter(|| socket_io.text(black_box(SOCKET_IO)));
    });
    let mut plain = conversation(Protocol::WebSocket);
    assert!(is_report(&mut plain, PLAIN));
    group.bench_function("plain event", |bench| {
        bench.iter(|| plain.text(black_box(PLAIN)));
    });
    assert!(Reading::from_slice(PROGRESS).is_ok_and(|reading| reading.is_known));
    group.bench_function("REST answer", |bench| {
        bench.iter(|| Reading::from_slice(black_box(PROGRESS)));
    });
}

criterion_group!(benches, decode);
criterion_main!(benches);
