//! The thread that speaks to Redis: callers wait for it, with a deadline, and never touch a socket.
//!
//! One multiplexed connection serves all callers, so that what they ask at the same time shares round trips.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, RedisError, RedisResult,
    ServerErrorKind, Value,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::scripts::Script;
use super::{RedisOptions, StoreError};

/// One thing to ask.
#[derive(Debug, Clone)]
pub(super) enum Call {
    /// A script with its keys (of one slot) and arguments.
    Script {
        script: &'static Script,
        keys: Vec<Vec<u8>>,
        arguments: Vec<Vec<u8>>,
    },
    /// A command.
    Command(Cmd),
    /// Commands in one transaction; the answer is the array of theirs.
    Transaction(Pipeline),
}

/// Calls that go out together, and where their answers are wanted.
struct Job {
    calls: Vec<Call>,
    answer: SyncSender<RedisResult<Vec<Value>>>,
}

/// Jobs that may wait for the thread.
const BACKLOG: usize = 4_096;

#[derive(Debug)]
pub(super) struct Driver {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    timeout: Duration,
}

/// Where a connection comes from.
#[derive(Clone)]
enum Source {
    Single(Client),
    Cluster(Box<ClusterClient>),
}

#[derive(Clone)]
enum Link {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Driver {
    /// Starts the thread. Nothing is connected before the first call.
    pub(super) fn start(options: &RedisOptions) -> Result<Self, StoreError> {
        let wrong = |error: RedisError| {
            StoreError::Invalid(format!("redis: the address cannot be used: {error}"))
        };
        let source = if options.cluster {
            let builder = ClusterClient::builder(options.urls.iter().map(String::as_str))
                .connection_timeout(options.connect_timeout)
                .response_timeout(options.timeout)
                .retries(2);
            Source::Cluster(Box::new(builder.build().map_err(wrong)?))
        } else {
            let url = options
                .urls
                .first()
                .ok_or_else(|| StoreError::Invalid("redis: no address".to_owned()))?;
            Source::Single(Client::open(url.as_str()).map_err(wrong)?)
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::Unavailable(format!("redis: no runtime: {error}")))?;
        let (jobs, queue) = mpsc::channel(BACKLOG);
        let (timeout, connect_timeout) = (options.timeout, options.connect_timeout);
        let thread = std::thread::Builder::new()
            .name("weir-redis".to_owned())
            .spawn(move || runtime.block_on(serve(source, queue, timeout, connect_timeout)))
            .map_err(|error| StoreError::Unavailable(format!("redis: no thread: {error}")))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            timeout,
        })
    }

    /// Asks and waits, at most the time-out.
    pub(super) fn ask(&self, calls: Vec<Call>) -> Result<Vec<Value>, StoreError> {
        let (answer, answered) = sync_channel(1);
        let jobs = self.jobs.as_ref().ok_or_else(|| gone("stopped"))?;
        jobs.try_send(Job { calls, answer })
            .map_err(|_| gone("too many calls are waiting"))?;
        // The thread keeps the deadline itself; the margin covers a thread that is not scheduled.
        match answered.recv_timeout(self.timeout + Duration::from_millis(20)) {
            Ok(Ok(values)) => Ok(values),
            Ok(Err(error)) => Err(gone(&error.to_string())),
            Err(_) => Err(gone("no answer in time")),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Ends as soon as the last calls have ended: within the time-outs.
            let _ = thread.join();
        }
    }
}

async fn serve(
    source: Source,
    mut queue: mpsc::Receiver<Job>,
    timeout: Duration,
    connect_timeout: Duration,
) {
    let mut link: Option<Link> = None;
    let mut running = JoinSet::new();
    loop {
        let job = tokio::select! {
            job = queue.recv() => match job {
                Some(job) => job,
                None => break,
            },
            // A connection that broke is replaced by the next job.
            Some(ended) = running.join_next() => {
                if let Ok(false) = ended {
                    link = None;
                }
                continue;
            }
        };
        if link.is_none() {
            match tokio::time::timeout(connect_timeout, source.connect(connect_timeout, timeout))
                .await
            {
                Ok(Ok(fresh)) => link = Some(fresh),
                Ok(Err(error)) => {
                    let _ = job.answer.send(Err(error));
                    continue;
                }
                Err(_) => {
                    let _ = job.answer.send(Err(late("connecting took too long")));
                    continue;
                }
            }
        }
        if let Some(link) = link.clone() {
            running.spawn(async move {
                let answer = match tokio::time::timeout(timeout, link.ask_all(job.calls)).await {
                    Ok(answer) => answer,
                    Err(_) => Err(late("no answer in time")),
                };
                let usable = answer
                    .as_ref()
                    .err()
                    .is_none_or(|error| !error.is_unrecoverable_error());
                let _ = job.answer.send(answer);
                usable
            });
        }
    }
    while running.join_next().await.is_some() {}
}

impl Source {
    async fn connect(&self, connect_timeout: Duration, timeout: Duration) -> RedisResult<Link> {
        Ok(match self {
            Self::Single(client) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(connect_timeout))
                    .set_response_timeout(Some(timeout));
                Link::Single(
                    client
                        .get_multiplexed_async_connection_with_config(&config)
                        .await?,
                )
            }
            Self::Cluster(client) => Link::Cluster(client.get_async_connection().await?),
        })
    }
}

impl Link {
    async fn ask_all(self, calls: Vec<Call>) -> RedisResult<Vec<Value>> {
        if let [_] = calls.as_slice() {
            let mut link = self;
            let mut answers = Vec::with_capacity(1);
            for call in calls {
                answers.push(link.ask(call).await?);
            }
            return Ok(answers);
        }
        let mut asked = JoinSet::new();
        let count = calls.len();
        for (index, call) in calls.into_iter().enumerate() {
            let mut link = self.clone();
            asked.spawn(async move { (index, link.ask(call).await) });
        }
        let mut answers = vec![Value::Nil; count];
        while let Some(answered) = asked.join_next().await {
            let (index, answer) = answered.map_err(|_| late("a call was given up"))?;
            answers[index] = answer?;
        }
        Ok(answers)
    }

    async fn ask(&mut self, call: Call) -> RedisResult<Value> {
        match call {
            Call::Command(command) => self.command(&command).await,
            Call::Transaction(pipeline) => match self {
                Self::Single(connection) => pipeline.query_async(connection).await,
                Self::Cluster(connection) => pipeline.query_async(connection).await,
            },
            Call::Script {
                script,
                keys,
                arguments,
            } => {
                match self.command(&script.by_digest(&keys, &arguments)).await {
                    // The server was restarted or flushed: sending the text also keeps it there.
                    Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                        self.command(&script.by_text(&keys, &arguments)).await
                    }
                    answer => answer,
                }
            }
        }
    }

    async fn command(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(command).await,
            Self::Cluster(connection) => connection.req_packed_command(command).await,
        }?
        .extract_error()
    }
}

fn late(what: &'static str) -> RedisError {
    std::io::Error::new(std::io::ErrorKind::TimedOut, what).into()
}

fn gone(why: &str) -> StoreError {
    StoreError::Unavailable(format!("redis: {why}"))
}
