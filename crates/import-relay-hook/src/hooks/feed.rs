//! The feed of a page: all its hooks with the same options follow their jobs on one stream.

use std::cell::RefCell;

use futures::{
    StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
};
use gloo_net::http::Request;
use gloo_timers::callback::Interval;
use leptos::{prelude::*, task::spawn_local};
use litemap::LiteMap;
use web_sys::RequestCredentials;

use super::{
    UseProgressOptions,
    event_source::Listener,
    follower::{Action, Answer, Event, Follower, Timing, View},
    refusal,
    tab_channel::{TabChannel, TabEvent, can_share},
    tab_leader::{Wants, as_many_as_fit},
    wire,
};
use crate::model::{
    job::{JobId, ProductImportJob},
    progress::{JobsPerStream, job_states_path},
    refusal::Refusal,
};

/// How often the feed looks at the clock.
const TICK_MILLIS: u32 = 1_000;

/// The views of all jobs of a page, each a signal of its own.
pub(super) type Views = LiteMap<JobId, ArcRwSignal<View>>;

thread_local! {
    /// The page's feeds, while hooks need them: one for all hooks with the same options.
    static FEEDS: RefCell<Vec<(UseProgressOptions, Inputs)>> = const { RefCell::new(Vec::new()) };
}

/// An input of a feed.
enum Input {
    /// A hook joins.
    Join(u32, Hook),
    /// A hook leaves.
    Leave(u32),
    /// An event of the browser or the server.
    Event(Event),
    /// An event between tabs.
    Tab(TabEvent),
}

/// What a hook follows, and its signal.
enum Hook {
    /// One job.
    One(ProductImportJob, RwSignal<View>),
    /// All unfinished jobs, new ones included.
    All(RwSignal<Views>),
}

/// Sends inputs to a feed.
#[derive(Clone)]
pub(super) struct Inputs(UnboundedSender<Input>);

impl Inputs {
    fn send(&self, input: Input) {
        // The feed may have ended.
        let _ = self.0.unbounded_send(input);
    }

    /// Sends an event between tabs.
    pub(super) fn tab(&self, event: TabEvent) {
        self.send(Input::Tab(event));
    }
}

/// A hook's subscription to a feed. Dropping it unsubscribes.
pub(super) struct Subscription {
    inputs: Inputs,
    hook: u32,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.inputs.send(Input::Leave(self.hook));
    }
}

/// Follows a job and shows it in `view`, until the subscription is dropped.
pub(super) fn follow(
    job: ProductImportJob,
    view: RwSignal<View>,
    options: UseProgressOptions,
) -> Subscription {
    join(Hook::One(job, view), options)
}

/// Follows all unfinished jobs and shows them in `views`, until the subscription is dropped.
pub(super) fn follow_all(views: RwSignal<Views>, options: UseProgressOptions) -> Subscription {
    join(Hook::All(views), options)
}

fn join(hook: Hook, options: UseProgressOptions) -> Subscription {
    thread_local!(static NEXT: RefCell<u32> = const { RefCell::new(0) });
    let number = NEXT.with_borrow_mut(|next| {
        *next = next.wrapping_add(1);
        *next
    });
    let inputs = FEEDS.with_borrow_mut(|feeds| {
        if let Some((_, inputs)) = feeds.iter().find(|(of, _)| *of == options) {
            return inputs.clone();
        }
        let inputs = Feed::start(options.clone());
        feeds.push((options, inputs.clone()));
        inputs
    });
    inputs.send(Input::Join(number, hook));
    Subscription {
        inputs,
        hook: number,
    }
}

struct Feed {
    options: UseProgressOptions,
    inputs: Inputs,
    hooks: LiteMap<u32, Hook>,
    follower: Follower,
    channel: TabChannel,
    _ticks: Interval,
    _listeners: Vec<Listener>,
}

impl Feed {
    fn start(options: UseProgressOptions) -> Inputs {
        let (sender, incoming) = unbounded();
        let inputs = Inputs(sender);
        let feed = Self::new(options, inputs.clone());
        spawn_local(feed.run(incoming));
        inputs
    }

    fn new(options: UseProgressOptions, inputs: Inputs) -> Self {
        let on = |event: fn() -> Option<Event>| {
            let inputs = inputs.clone();
            move || {
                if let Some(event) = event() {
                    inputs.send(Input::Event(event));
                }
            }
        };
        let listeners = [
            Listener::new(&window(), "online", on(|| Some(Event::Awake))),
            Listener::new(&window(), "offline", on(|| Some(Event::Offline))),
            Listener::new(&window(), "pagehide", on(|| Some(Event::Frozen))),
            Listener::new(&window(), "pageshow", on(|| Some(Event::Awake))),
            Listener::new(&document(), "visibilitychange", {
                let (inputs, gives_way) = (inputs.clone(), gives_way(&options));
                move || {
                    if !document().hidden() {
                        inputs.send(Input::Event(Event::Awake));
                    } else if gives_way {
                        inputs.send(Input::Event(Event::Hidden));
                    }
                }
            }),
        ];
        let mut follower = Follower::new(Timing::of(&options));
        if document().hidden() && gives_way(&options) {
            follower.step(Event::Hidden, js_sys::Date::now(), 0.0);
        }
        Self {
            hooks: LiteMap::new(),
            follower,
            channel: TabChannel::new(options.clone(), inputs.clone()),
            _ticks: Interval::new(TICK_MILLIS, on(|| Some(Event::Tick))),
            _listeners: listeners.into_iter().flatten().collect(),
            options,
            inputs,
        }
    }

    async fn run(mut self, mut incoming: UnboundedReceiver<Input>) {
        while let Some(input) = incoming.next().await {
            let now = js_sys::Date::now();
            let mut action = self.take(input, now);
            // All hooks of a page join at once: the stream is opened once, for all of them.
            while let Ok(input) = incoming.try_recv() {
                action = self.take(input, now).after(action);
            }
            self.act(action, now);
            self.show(now);
            if self.hooks.is_empty() {
                // Nothing can interfere: a page runs one task at a time.
                FEEDS.with_borrow_mut(|feeds| feeds.retain(|(of, _)| *of != self.options));
                return;
            }
        }
    }

    fn take(&mut self, input: Input, now: f64) -> Action {
        match input {
            Input::Join(number, hook) => {
                let action = match &hook {
                    Hook::One(job, _) => self.follower.follow(job, now),
                    Hook::All(_) => self.follower.want_new(true, now),
                };
                self.hooks.insert(number, hook);
                action
            }
            Input::Leave(number) => self.leave(number, now),
            Input::Event(event) => {
                if matches!(event, Event::Tick) {
                    self.channel.tick(now);
                }
                self.step(event, now)
            }
            Input::Tab(event) => {
                let mut action = Action::Wait;
                for event in self.channel.take(event, now) {
                    action = self.step(event, now).after(action);
                }
                action
            }
        }
    }

    fn leave(&mut self, number: u32, now: f64) -> Action {
        match self.hooks.remove(&number) {
            Some(Hook::One(job, _)) if !self.is_followed(&job.id) => {
                self.follower.unfollow(&job.id)
            }
            Some(Hook::All(_)) if !self.hooks.values().any(|hook| matches!(hook, Hook::All(_))) => {
                self.follower.want_new(false, now)
            }
            _ => Action::Wait,
        }
    }

    fn is_followed(&self, id: &JobId) -> bool {
        self.hooks
            .values()
            .any(|hook| matches!(hook, Hook::One(job, _) if job.id == *id))
    }

    fn step(&mut self, event: Event, now: f64) -> Action {
        match self.follower.step(event, now, js_sys::Math::random()) {
            Action::Poll => {
                self.ask();
                Action::Wait
            }
            other => other,
        }
    }

    /// Requests the newest states.
    fn ask(&self) {
        let inputs = self.inputs.clone();
        let (jobs, new) = self.follower.wanted();
        let asked: Vec<_> = as_many_as_fit(JobsPerStream::default(), &jobs)
            .cloned()
            .collect();
        let stream = Wants { jobs, new };
        let options = self.options.clone();
        spawn_local(async move {
            let mut answer = ask_states(&asked, &options).await;
            if let Err(error) = &answer
                && let Some(word) = refusal::of_stream(&stream, error, &options).await
            {
                answer = word;
            }
            inputs.send(Input::Event(Event::Answered { asked, answer }));
        });
    }

    fn act(&mut self, action: Action, now: f64) {
        let (jobs, new) = self.follower.wanted();
        match action {
            Action::Wait => self.channel.want_less(Wants { jobs, new }, now),
            Action::Open => self.channel.open(Wants { jobs, new }, now),
            Action::Renew => self.channel.renew(Wants { jobs, new }, now),
            Action::Close => self.channel.close(),
            Action::Ask => {
                self.channel.give_up(now);
                self.ask();
            }
            Action::Poll => self.ask(),
        }
    }

    fn show(&self, now: f64) {
        for hook in self.hooks.values() {
            match hook {
                Hook::One(job, shown) => {
                    if let Some(view) = self.follower.view(&job.id, now) {
                        show_in(*shown, view);
                    }
                }
                Hook::All(shown) => show_all(*shown, self.follower.views(now).collect()),
            }
        }
    }
}

/// Requests the newest states of jobs.
async fn ask_states(jobs: &[JobId], options: &UseProgressOptions) -> Answer {
    let url = options.address(&job_states_path(jobs));
    let mut request = Request::get(&url).header("accept", "application/json");
    if options.with_credentials {
        request = request.credentials(RequestCredentials::Include);
    }
    let answer = request.send().await.map_err(|_| Refusal::Connection)?;
    let text = answer.text().await.map_err(|_| Refusal::Connection)?;
    if answer.ok() {
        wire::states(&text).ok_or(Refusal::Connection)
    } else {
        // Another answer is a proxy's.
        Err(wire::refusal(&text).unwrap_or(Refusal::Connection))
    }
}

/// Returns whether a page with these options has no stream while it is hidden: if tabs cannot share one, each would take
/// one of the few connections that a browser has to a server.
fn gives_way(options: &UseProgressOptions) -> bool {
    options.share_tabs && !can_share()
}

fn show_in(shown: RwSignal<View>, view: View) {
    // The owner may be disposed.
    if shown.try_with_untracked(|shown| *shown != view) == Some(true) {
        shown.set(view);
    }
}

/// Shows each job in its own signal. The map changes only when jobs are added or removed.
fn show_all(shown: RwSignal<Views>, views: Vec<(&JobId, View)>) {
    let are_the_same = shown.try_with_untracked(|shown| {
        for (id, view) in &views {
            if let Some(known) = shown.get(*id)
                && known.with_untracked(|known| known != view)
            {
                known.set(view.clone());
            }
        }
        shown.keys().eq(views.iter().map(|(id, _)| *id))
    });
    if are_the_same == Some(false) {
        shown.update(|shown| {
            let mut before = std::mem::take(shown);
            for (id, view) in views {
                let known = before.remove(id);
                let signal = known.unwrap_or_else(|| ArcRwSignal::new(view));
                shown.insert(id.clone(), signal);
            }
        });
    }
}
