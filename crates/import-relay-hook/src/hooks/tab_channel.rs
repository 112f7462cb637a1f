//! Shares one stream between the tabs of a browser: the tab that holds a lock, the leader, holds the stream and sends its
//! events to the others (Web Locks API; HTML, section 9.5, "Broadcasting to other browsing contexts").
//!
//! A browser opens at most six HTTP/1.1 connections to a server, for all tabs together.

use js_sys::{Function, Object, Promise, Reflect};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, BroadcastChannel, MessageEvent};

use super::{
    UseProgressOptions,
    early::Early,
    event_source::{Source, jobs_per_stream},
    feed::Inputs,
    follower::{Event, Millis, StreamEvent},
    post::Post,
    tab_leader::{Order, TabLeader, Wants, as_many_as_fit},
};
use crate::model::{base_path::base_path, job::JobId, progress::JobsPerStream};

/// Name of the lock and the channel. A page's early stream uses it too.
pub const NAME: &str = "import-relay-progress";
/// Its name for streams with credentials.
const NAME_WITH_CREDENTIALS: &str = "import-relay-progress-with-credentials";
/// How long a tab waits for the leader before it opens its own stream.
const LEADER_TIMEOUT: Millis = 3_000.0;
/// How often a tab repeats what it wants.
const REPEAT: Millis = 20_000.0;
/// Time without a message of the leader after which a visible tab pings it: the browser may have frozen it.
const CHECK: Millis = 2_000.0;

/// An event between tabs.
#[derive(Clone, Debug)]
pub(super) enum TabEvent {
    /// This tab has the lock.
    Granted,
    /// A message of another tab.
    Posted(String),
    /// An event of this tab's stream.
    Streamed(StreamEvent),
    /// Earlier events of the stream, repeated for this tab's hooks, and the time since the last one.
    Repeated(Vec<StreamEvent>, Millis),
}

/// A tab's access to the stream: its own one, or the leader's.
pub(super) struct TabChannel {
    options: UseProgressOptions,
    inputs: Inputs,
    tab: String,
    most: JobsPerStream,
    wants: Wants,
    /// The page's early stream, until the first stream is opened.
    early: Option<Early>,
    sharing: Option<Sharing>,
    role: Role,
    /// When this tab last sent what it wants.
    sent: Millis,
}

/// The channel and the lock. Dropping it releases the lock.
struct Sharing {
    channel: BroadcastChannel,
    abort: AbortController,
    release: Function,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_grant: Option<OnGrant>,
}

/// Which tab holds the stream.
enum Role {
    /// Another one, or none yet.
    Member {
        /// Since when this tab has waited for a message of the leader.
        waits_since: Option<Millis>,
        /// When the leader sent its last message.
        heard: Millis,
    },
    /// This one, for itself: sharing is impossible, or no leader answered.
    Alone(Option<Own>),
    /// This one, for all.
    Leader {
        state: TabLeader,
        source: Option<Source>,
    },
}

impl Role {
    /// A member that has heard nothing of a leader.
    const MEMBER: Self = Self::Member {
        waits_since: None,
        heard: 0.0,
    };
}

/// A tab's own stream.
struct Own {
    /// The jobs that it was opened for.
    jobs: Vec<JobId>,
    _source: Source,
}

impl TabChannel {
    /// Creates one that wants nothing. Its events go to `inputs`.
    pub(super) fn new(options: UseProgressOptions, inputs: Inputs) -> Self {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it is from 0 to 2^53
        let tab = ((js_sys::Math::random() * 9_007_199_254_740_992.0) as u64).to_string();
        // The early stream and its lock have these options.
        let is_alike = options.share_tabs && !options.with_credentials && options.server.is_none();
        Self {
            options,
            inputs,
            tab,
            most: jobs_per_stream(),
            wants: Wants::default(),
            early: Early::take().filter(|_| is_alike),
            sharing: None,
            role: Role::MEMBER,
            sent: 0.0,
        }
    }

    /// Opens the stream, or asks the leader to.
    pub(super) fn open(&mut self, wants: Wants, now: Millis) {
        self.wants = wants;
        if self.sharing.is_none() {
            self.sharing = self.share();
            if self.sharing.is_none() {
                self.role = Role::Alone(None);
            }
        }
        match &mut self.role {
            Role::Alone(_) => self.role = Role::Alone(self.open_own()),
            Role::Member { waits_since, .. } => {
                waits_since.get_or_insert(now);
                self.send_wants(now);
            }
            Role::Leader { .. } => self.send_wants(now),
        }
    }

    /// Closes this tab's stream, if it has one, and opens another.
    pub(super) fn renew(&mut self, wants: Wants, now: Millis) {
        self.give_up(now);
        self.open(wants, now);
    }

    fn share(&mut self) -> Option<Sharing> {
        let name = if self.options.with_credentials {
            NAME_WITH_CREDENTIALS
        } else {
            NAME
        };
        if !self.options.share_tabs {
            return None;
        }
        let lock = self.early.as_mut().and_then(Early::take_lock);
        // Other apps on the same host share separately.
        let name = match &self.options.server {
            Some(server) => format!("{name}{server}"),
            None => format!("{name}{}", base_path().as_str()),
        };
        Sharing::begin(&name, lock, &self.inputs)
    }

    /// Tells the leader that less is wanted.
    pub(super) fn want_less(&mut self, wants: Wants, now: Millis) {
        if self.wants != wants {
            self.wants = wants;
            if self.sharing.is_some() && !matches!(self.role, Role::Alone(_)) {
                self.send_wants(now);
            }
        }
    }

    /// Closes a silent stream, so that it is opened again when it is wanted.
    pub(super) fn give_up(&mut self, now: Millis) {
        match &mut self.role {
            Role::Alone(own) => *own = None,
            Role::Leader { state, source } => {
                *source = None;
                state.heard(&StreamEvent::GivenUp, now);
            }
            Role::Member { .. } => {}
        }
    }

    /// Closes the stream, or leaves it to the other tabs.
    pub(super) fn close(&mut self) {
        self.wants = Wants::default();
        if let Some(sharing) = self.sharing.take() {
            sharing.post(&Post::Want {
                tab: self.tab.clone(),
                wants: Wants::default(),
            });
        }
        self.role = Role::MEMBER;
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Millis) {
        match &mut self.role {
            Role::Member {
                waits_since: Some(since),
                ..
            } if now - *since >= LEADER_TIMEOUT => self.role = Role::Alone(self.open_own()),
            Role::Member { waits_since, heard }
                if self.sharing.is_some()
                    && now - *heard >= CHECK
                    && waits_since.is_none()
                    && !document().hidden() =>
            {
                *waits_since = Some(now);
                let tab = self.tab.clone();
                self.post(&Post::Ping { tab });
            }
            // There may be a leader by now.
            Role::Member { .. } | Role::Alone(_)
                if self.sharing.is_some() && now - self.sent >= REPEAT =>
            {
                self.send_wants(now);
            }
            _ => {}
        }
    }

    /// Applies an event between tabs, and returns the events of the stream.
    pub(super) fn take(&mut self, event: TabEvent, now: Millis) -> Vec<Event> {
        if self.sharing.is_none() && !matches!(self.role, Role::Alone(_)) {
            return Vec::new(); // late, after `close`
        }
        match event {
            TabEvent::Granted => {
                self.role = Role::Leader {
                    state: TabLeader::new(
                        self.most,
                        self.options.stale_after.as_secs_f64() * 1_000.0,
                    ),
                    source: None,
                };
                self.post(&Post::Lead);
                self.send_wants(now);
                Vec::new()
            }
            TabEvent::Streamed(event) => {
                match &mut self.role {
                    Role::Leader { state, source } => {
                        state.heard(&event, now);
                        if matches!(event, StreamEvent::GivenUp | StreamEvent::End) {
                            *source = None;
                        }
                        self.post(&Post::Event(event.clone()));
                    }
                    // A new job may have ended while the browser reconnected. Only a stream that names it has its end.
                    Role::Alone(Some(own)) if event == StreamEvent::Opened => {
                        let is_named = |job| own.jobs.contains(job);
                        if !as_many_as_fit(self.most, &self.wants.jobs).all(is_named) {
                            self.role = Role::Alone(self.open_own());
                        }
                    }
                    Role::Alone(_) | Role::Member { .. } => {}
                }
                vec![Event::Stream(event)]
            }
            TabEvent::Repeated(events, age) => repeated(events, age),
            TabEvent::Posted(text) => match self.read(&text) {
                Some(Post::Want { tab, wants }) => {
                    if let Role::Leader { .. } = self.role {
                        self.post(&Post::Known { tab: tab.clone() });
                    }
                    self.serve(tab, wants, now);
                    Vec::new()
                }
                Some(Post::Known { tab }) => {
                    match &mut self.role {
                        // There is a leader; its next event may take long.
                        Role::Member { waits_since, heard } if tab == self.tab => {
                            *waits_since = None;
                            *heard = now;
                        }
                        Role::Alone(_) => self.rejoin(now),
                        Role::Member { .. } | Role::Leader { .. } => {}
                    }
                    Vec::new()
                }
                Some(Post::Ping { tab }) => {
                    if let Role::Leader { state, .. } = &mut self.role {
                        let order = state.check(now);
                        self.obey(order, &tab);
                        self.post(&Post::Known { tab });
                    }
                    Vec::new()
                }
                Some(Post::Repeat { tab, events, age }) => match &mut self.role {
                    Role::Member { waits_since, heard } if tab == self.tab => {
                        *waits_since = None;
                        *heard = now;
                        repeated(events, age)
                    }
                    _ => Vec::new(),
                },
                Some(Post::Lead) => {
                    self.rejoin(now);
                    Vec::new()
                }
                Some(Post::Event(event)) => match &mut self.role {
                    Role::Member { waits_since, heard } => {
                        *waits_since = None;
                        *heard = now;
                        vec![Event::Stream(event)]
                    }
                    Role::Alone(_) => {
                        self.rejoin(now);
                        Vec::new()
                    }
                    Role::Leader { .. } => Vec::new(),
                },
                // Another version of this page.
                None => Vec::new(),
            },
        }
    }

    /// Reads a message of a tab. If there is a leader, the page's early stream is not needed.
    fn read(&mut self, text: &str) -> Option<Post> {
        let post = Post::read(text)?;
        if !matches!(post, Post::Want { .. } | Post::Ping { .. }) {
            self.early = None;
        }
        Some(post)
    }

    /// Leaves the stream to the leader, and closes this tab's own.
    fn rejoin(&mut self, now: Millis) {
        self.role = Role::Member {
            waits_since: Some(now),
            heard: now,
        };
        self.send_wants(now);
    }

    fn send_wants(&mut self, now: Millis) {
        self.sent = now;
        let (tab, wants) = (self.tab.clone(), self.wants.clone());
        if let Role::Leader { .. } = self.role {
            self.serve(tab, wants, now);
        } else {
            self.post(&Post::Want { tab, wants });
        }
    }

    /// Does what a tab wants, if this tab is the leader.
    fn serve(&mut self, tab: String, wants: Wants, now: Millis) {
        if let Role::Leader { state, .. } = &mut self.role {
            let order = state.want(tab.clone(), wants, now);
            self.obey(order, &tab);
        }
    }

    fn obey(&mut self, order: Order, tab: &str) {
        match order {
            Order::Nothing => {}
            Order::Open(wants) => {
                let opened = open(&wants, self.early.take(), &self.inputs, &self.options);
                self.keep(opened);
            }
            Order::Close => self.keep(None),
            Order::Repeat(events, age) if tab == self.tab => {
                self.inputs.tab(TabEvent::Repeated(events, age));
            }
            Order::Repeat(events, age) => {
                let tab = tab.to_owned();
                self.post(&Post::Repeat { tab, events, age });
            }
        }
    }

    /// Replaces the leader's stream.
    fn keep(&mut self, kept: Option<Source>) {
        if let Role::Leader { source, .. } = &mut self.role {
            *source = kept;
        }
    }

    fn open_own(&mut self) -> Option<Own> {
        let jobs = as_many_as_fit(self.most, &self.wants.jobs);
        let wants = Wants {
            jobs: jobs.cloned().collect(),
            new: self.wants.new,
        };
        let source = open(&wants, self.early.take(), &self.inputs, &self.options)?;
        Some(Own {
            jobs: wants.jobs,
            _source: source,
        })
    }

    fn post(&self, post: &Post) {
        if let Some(sharing) = &self.sharing {
            sharing.post(post);
        }
    }
}

fn repeated(events: Vec<StreamEvent>, age: Millis) -> Vec<Event> {
    let again = |event| Event::Repeated { event, age };
    events.into_iter().map(again).collect()
}

/// Returns whether tabs can share a stream on this page. Over plain HTTP only loopback hosts have locks.
pub(super) fn can_share() -> bool {
    locks().is_some() && Reflect::has(&js_sys::global(), &"BroadcastChannel".into()) == Ok(true)
}

fn locks() -> Option<(JsValue, Function)> {
    let locks = Reflect::get(&window().navigator(), &"locks".into()).ok()?;
    let request = Reflect::get(&locks, &"request".into()).ok()?;
    Some((locks, request.dyn_into().ok()?))
}

fn open(
    wants: &Wants,
    early: Option<Early>,
    inputs: &Inputs,
    options: &UseProgressOptions,
) -> Option<Source> {
    let emit = {
        let inputs = inputs.clone();
        move |event| inputs.tab(TabEvent::Streamed(event))
    };
    let source = Source::open(wants, early, options, emit.clone());
    if source.is_err() {
        emit(StreamEvent::GivenUp);
    }
    source.ok()
}

/// Called when this tab gets the lock.
type OnGrant = Closure<dyn FnMut(JsValue) -> JsValue>;

/// Waits for the lock until aborted. Returns the function that releases it.
fn ask_for_lock(
    name: &str,
    abort: &AbortController,
    inputs: &Inputs,
) -> Option<(Function, OnGrant)> {
    let (locks, request) = locks()?;
    // The lock is held until this promise resolves.
    let mut release = None;
    let held = Promise::new(&mut |resolve, _| release = Some(resolve));
    let on_grant = {
        let inputs = inputs.clone();
        Closure::once(move |_lock: JsValue| -> JsValue {
            inputs.tab(TabEvent::Granted);
            held.into()
        })
    };
    let options = Object::new();
    Reflect::set(&options, &"signal".into(), &abort.signal()).ok()?;
    let asked: Promise = request
        .call3(&locks, &name.into(), &options, on_grant.as_ref())
        .ok()?
        .dyn_into()
        .ok()?;
    spawn_local(async move {
        // It is rejected when the wait is aborted.
        let _ = JsFuture::from(asked).await;
    });
    Some((release?, on_grant))
}

impl Sharing {
    /// Joins the tabs of this browser. Returns `None` if they cannot share: the browser is too old, or the page came over
    /// plain HTTP. With `lock`, the function that releases it, this tab has the lock already.
    fn begin(name: &str, lock: Option<Function>, inputs: &Inputs) -> Option<Self> {
        let channel = BroadcastChannel::new(name).ok()?;
        let on_message = {
            let inputs = inputs.clone();
            Closure::new(move |event: MessageEvent| {
                if let Some(text) = event.data().as_string() {
                    inputs.tab(TabEvent::Posted(text));
                }
            })
        };
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let abort = AbortController::new().ok()?;
        let (release, on_grant) = match lock {
            Some(release) => {
                inputs.tab(TabEvent::Granted);
                (release, None)
            }
            None => {
                let (release, on_grant) = ask_for_lock(name, &abort, inputs)?;
                (release, Some(on_grant))
            }
        };
        Some(Self {
            channel,
            abort,
            release,
            _on_message: on_message,
            _on_grant: on_grant,
        })
    }

    fn post(&self, post: &Post) {
        // It fails only on a closed channel.
        let _ = self.channel.post_message(&post.text().into());
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        self.channel.close();
        let _ = self.release.call0(&JsValue::UNDEFINED);
        self.abort.abort();
    }
}
