// The page of an import in the usual design: React, a request for the import, and an EventSource.
import { useEffect, useMemo, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';

import '../../../../style/main.css';

const id = location.pathname.split('/').at(-1);
const number = new Intl.NumberFormat('en');

function useImport() {
  const [job, setJob] = useState();
  const [progress, setProgress] = useState();
  const [connection, setConnection] = useState('connecting');
  useEffect(() => {
    fetch(`/api/imports/${id}`).then(async (answer) => setJob(await answer.json()));
    const source = new EventSource(`/api/jobs/${id}/progress`);
    source.onopen = () => setConnection('open');
    source.onerror = () => setConnection('reconnecting');
    source.onmessage = (event) => {
      const state = JSON.parse(event.data);
      setProgress(state);
      if (state.status !== 'PENDING') source.close();
    };
    return () => source.close();
  }, []);
  return { job, progress: progress ?? job, connection };
}

function Bar({ processedProducts, failedProducts, totalProducts, status }) {
  const share = (count) => `${((count / (totalProducts || 1)) * 100).toFixed(2)}%`;
  const percent = Math.floor(((processedProducts + failedProducts) / (totalProducts || 1)) * 100);
  return (
    <div className="bar" role="progressbar" data-status={status} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent} aria-label="Import">
      <svg className="bar-track" width="100%" height="100%" aria-hidden="true">
        <rect className="bar-processed" height="100%" width={share(processedProducts)} />
        <rect className="bar-failed" height="100%" x={share(processedProducts)} width={share(failedProducts)} />
      </svg>
    </div>
  );
}

function Count({ name, kind, children }) {
  return (
    <div className="count" data-kind={kind}>
      <dt>{name}</dt>
      <dd data-testid={`count-${kind}`}>{children}</dd>
    </div>
  );
}

/** Products per second over the whole import. */
function Speed({ done }) {
  const samples = useRef([]);
  samples.current = useMemo(() => [...samples.current, [performance.now(), done]].slice(-60), [done]);
  const rates = samples.current.slice(1).map(([at, count], index) => {
    const [before, counted] = samples.current[index];
    return ((count - counted) / Math.max(at - before, 1)) * 1000;
  });
  const most = Math.max(...rates, 1);
  const points = rates.map((rate, index) => `${index * 4},${40 - (rate / most) * 40}`).join(' ');
  return (
    <svg className="speed" viewBox="0 0 240 40" aria-hidden="true">
      <polyline points={points} fill="none" stroke="currentColor" />
    </svg>
  );
}

function Elapsed({ since }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.floor((now - since) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function Import() {
  const { job, progress, connection } = useImport();
  if (!job || !progress) return <p>Loading…</p>;
  const done = progress.processedProducts + progress.failedProducts;
  const percent = Math.floor((done / (progress.totalProducts || 1)) * 100);
  document.title = `${percent}% · ${job.filename}`;
  return (
    <main className="page">
      <header className="page-head">
        <h1 className="filename">{job.filename}</h1>
        <span className="badge" data-status={progress.status}>{progress.status}</span>
      </header>
      <section className="card progress-card">
        <header className="progress-head">
          <p className="progress-percent">{percent}%</p>
          <p className="connection" data-connection={connection}>{connection}</p>
        </header>
        <Bar {...progress} />
        <dl className="counts">
          <Count name="Imported" kind="processed">{number.format(progress.processedProducts)}</Count>
          <Count name="Failed" kind="failed">{number.format(progress.failedProducts)}</Count>
          <Count name="In the file" kind="total">{number.format(progress.totalProducts)}</Count>
          <Count name="Elapsed" kind="time"><Elapsed since={job.createdAt} /></Count>
        </dl>
        <Speed done={done} />
      </section>
    </main>
  );
}

createRoot(document.getElementById('root')).render(<Import />);
