import type { Sequence, Settings } from "./command.ts";

const one: Settings = {
  includeRotated: false,
  isWatching: false,
  maxOpenFiles: 1_024,
  maxRecordBytes: 200,
  reading: "lines",
  beginsAlike: false,
  sinks: [{ maxRecords: 2, concurrency: 1, namesGuilty: false }],
};

/** Sequences that once showed a fault of the agent, shrunk. */
export const CASES: Readonly<Record<string, Sequence>> = {
  "a copy is not read a second time when the emptied file is renamed before the next look": {
    settings: one,
    commands: [
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "start" },
      { do: "rotate", stream: "a.log", how: "copytruncate", between: ["short"] },
      { do: "rotate", stream: "a.log", how: "shift", hint: true },
    ],
  },
  "what a long quiet file got before its rotation comes before its successor's lines": {
    settings: one,
    commands: [
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "start" },
      { do: "wait", ms: 8_000 },
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "rotate", stream: "a.log", how: "shift", hint: true },
      { do: "wait", ms: 0 },
      { do: "write", stream: "a.log", lines: ["short"], hint: true },
      { do: "wait", ms: 100 },
    ],
  },
  "a file that is written anew before it was read is not read as the old one": {
    settings: one,
    commands: [
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "start" },
      { do: "sink", sink: 0, mode: "blocked" },
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "write", stream: "b.log", lines: ["short"] },
      { do: "reload" },
      { do: "wait", ms: 1_100 },
      { do: "truncate", stream: "b.log", lines: ["short"] },
    ],
  },
  "what a file got while the agent was away is named as lost when it goes before it was read": {
    settings: one,
    commands: [
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "start" },
      { do: "wait", ms: 1_100 },
      { do: "stop" },
      { do: "sink", sink: 0, mode: "down" },
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "start" },
      { do: "wait", ms: 8_000 },
      { do: "kill" },
      { do: "sink", sink: 0, mode: "up" },
      { do: "truncate", stream: "a.log", lines: [] },
    ],
  },
  "a file that is written anew before a reload is not taken for the one that was open": {
    settings: one,
    commands: [
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "start" },
      { do: "truncate", stream: "a.log", lines: ["short"] },
      { do: "reload" },
      { do: "wait", ms: 0 },
    ],
  },
  "a file that is written anew before a reload, and begins alike, is not taken for the one that was open": {
    settings: { ...one, beginsAlike: true },
    commands: [
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "start" },
      { do: "wait", ms: 4_000 },
      { do: "truncate", stream: "a.log", lines: ["short", "short", "dropped", "short"] },
      { do: "reload" },
    ],
  },
  "a file that is written anew and rotated while no agent runs is read where it is then": {
    settings: one,
    commands: [
      { do: "start" },
      { do: "write", stream: "b.log", lines: ["short"] },
      { do: "wait", ms: 8_000 },
      { do: "truncate", stream: "b.log", lines: ["short", "short", "short"] },
      { do: "kill" },
      { do: "rotate", stream: "b.log", how: "dateext" },
    ],
  },
  "of a file that was written anew while the agent was away no more is lost than it had": {
    settings: { ...one, beginsAlike: true },
    commands: [
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "start" },
      { do: "wait", ms: 0 },
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "wait", ms: 4_000 },
      { do: "truncate", stream: "a.log", lines: [] },
      { do: "regrow", stream: "a.log" },
      { do: "kill" },
    ],
  },
  "a file that was closed for want of descriptors and is written anew is read anew, and its copy not twice": {
    settings: { ...one, includeRotated: true, maxOpenFiles: 2 },
    commands: [
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "start" },
      { do: "rotate", stream: "a.log", how: "renameDelete" },
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "wait", ms: 1_100 },
      { do: "truncate", stream: "a.log", lines: [] },
      { do: "regrow", stream: "a.log" },
      { do: "write", stream: "b.log", lines: ["short"], unfinished: true },
      { do: "wait", ms: 4_000 },
      { do: "rotate", stream: "a.log", how: "copytruncate" },
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "stop" },
    ],
  },
  "a size of the emptied file says nothing of the copy in which its content goes on": {
    settings: { ...one, includeRotated: true },
    commands: [
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "start" },
      { do: "rotate", stream: "a.log", how: "copytruncate", between: ["short"] },
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "rotate", stream: "a.log", how: "shift" },
    ],
  },
  "a generation that comes and goes between two looks is read, though the one before it is forgotten": {
    settings: { ...one, sinks: [{ maxRecords: 2, concurrency: 4, namesGuilty: false }] },
    commands: [
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "start" },
      { do: "wait", ms: 8_000 },
      { do: "rotate", stream: "a.log", how: "renameDelete", between: ["short"] },
      { do: "wait", ms: 4_000 },
      { do: "write", stream: "a.log", lines: ["short"] },
      { do: "rotate", stream: "a.log", how: "shift" },
    ],
  },
};
