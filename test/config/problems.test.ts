import { describe, expect, test } from "vitest";
import { problemsOf, type World } from "./definitions.ts";

const SOURCES = "sources: {app: {include: [/logs/*.log]}}\n";
const SINKS = "sinks: {out: {type: stdout}}\n";

/** What is wrong with a file whose first lines are right. */
const cases: readonly (readonly [name: string, text: string, problems: readonly string[], world?: World])[] = [
  ["an empty file", "", ['tailcar.yaml:1:1: the file is empty; it needs "sources" and "sinks"']],
  ["a file of comments", "# later\n", ['tailcar.yaml:1:1: the file is empty; it needs "sources" and "sinks"']],
  ["a list", "# x\n- a\n", ['tailcar.yaml:2:1: expected a mapping with "sources" and "sinks"']],
  ["a word", "hello\n", ['tailcar.yaml:1:1: expected a mapping with "sources" and "sinks"']],
  [
    "an empty mapping",
    "{}",
    ["tailcar.yaml:1:1: sources: missing; expected a mapping", "tailcar.yaml:1:1: sinks: missing; expected a mapping"],
  ],
  [
    "no entries",
    "sources: {}\nsinks: {}\n",
    ["tailcar.yaml:1:10: sources: needs at least one entry", "tailcar.yaml:2:8: sinks: needs at least one entry"],
  ],
  [
    "a misspelt option of a sink",
    `${SOURCES}sinks:\n  datadog:\n    type: datadog\n    apiKey: k\n    siet: x.eu\n`,
    ['tailcar.yaml:6:5: sinks.datadog.siet: unknown option; did you mean "site"?'],
  ],
  [
    "an option that is like none",
    `${SOURCES}sinks: {out: {type: stdout, colour: red}}\n`,
    ["tailcar.yaml:2:29: sinks.out.colour: unknown option; known are format, type, retry"],
  ],
  [
    "an encoding that there is not, beside a code page",
    `sources:\n  a: {include: [/l/*.log], encoding: cp932}\n  b: {include: [/m/*.log], encoding: cp437}\n${SINKS}`,
    [
      "tailcar.yaml:3:38: sources.b.encoding: no encoding of the Encoding Standard, like utf-8, utf-16le, latin1, shift_jis or gb18030, and no code page like cp1252",
    ],
  ],
  [
    "spilling to a sink that is none",
    `${SOURCES}sinks: {out: {type: stdout}}\nshutdown: {spillTo: ouch}\n`,
    ["tailcar.yaml:3:21: shutdown.spillTo: no sink of this name; known are out"],
  ],
  [
    "spilling to the only sink",
    `${SOURCES}sinks: {out: {type: stdout}}\nshutdown: {spillTo: out}\n`,
    ["tailcar.yaml:3:21: shutdown.spillTo: needs another sink: this one gets only what is spilled"],
  ],
  [
    "a misspelt type of sink",
    `${SOURCES}sinks: {s: {type: splunk}}\n`,
    ['tailcar.yaml:2:19: sinks.s.type: unknown type "splunk"; did you mean "splunkHec"?'],
  ],
  [
    "an unknown type of sink",
    `${SOURCES}sinks: {s: {type: carrier-pigeon}}\n`,
    ['tailcar.yaml:2:19: sinks.s.type: unknown type "carrier-pigeon"; expected one of datadog, splunkHec, stdout'],
  ],
  [
    "a sink without a type",
    `${SOURCES}sinks:\n  s: {}\n`,
    ["tailcar.yaml:3:3: sinks.s.type: missing; expected one of datadog, splunkHec, stdout"],
  ],
  [
    "a misspelt literal",
    `sources: {app: {include: [/l/*.log], format: jsn, startAt: now}}\n${SINKS}`,
    [
      'tailcar.yaml:1:46: sources.app.format: unknown value "jsn"; did you mean "json"?',
      'tailcar.yaml:1:60: sources.app.startAt: unknown value "now"; expected one of beginning, end',
    ],
  ],
  [
    "a pattern in the place of a name: it could have been a mapping",
    `${SOURCES}transforms: [{redact: {patterns: ['\\d{4}', emial]}}]\n${SINKS}`,
    [
      'tailcar.yaml:2:35: transforms[0].redact.patterns[0]: unknown value "\\\\d{4}"; expected one of creditCard, email, bearerToken, jwt, awsKey, ip, or a mapping',
      'tailcar.yaml:2:44: transforms[0].redact.patterns[1]: unknown value "emial"; did you mean "email"?',
    ],
  ],
  [
    "a misspelt format with options",
    `sources: {app: {include: [/l/*.log], format: {regexp: x}}}\n${SINKS}`,
    [
      "tailcar.yaml:1:46: sources.app.format: needs csv or regex, and not both",
      'tailcar.yaml:1:47: sources.app.format.regexp: unknown option; did you mean "regex"?',
    ],
  ],
  [
    "no format, or two",
    `sources:\n  a: {include: [/l/*.log], format: {}}\n  b: {include: [/m/*.log], format: {regex: x, csv: {columns: [y]}}}\n${SINKS}`,
    [
      "tailcar.yaml:2:36: sources.a.format: needs csv or regex, and not both",
      "tailcar.yaml:3:36: sources.b.format: needs csv or regex, and not both",
    ],
  ],
  [
    "a pattern, columns and times that are none",
    `sources:\n  a: {include: [/l/*.log], format: {regex: '(?=x)'}, timeZone: Mars/Base}\n  b: {include: [/m/*.log], format: {csv: {columns: [a, a], delimiter: ab}}, timeFormat: '%Y %q'}\n  c: {include: [/n/*.log], timeFormat: '%H:%M'}\n${SINKS}`,
    [
      "tailcar.yaml:2:44: sources.a.format.regex: expected a pattern in RE2 syntax: error parsing regexp: invalid or unsupported Perl syntax: `(?=`",
      "tailcar.yaml:2:64: sources.a.timeZone: no such time zone; expected a name like Europe/Berlin, or an offset like +05:30",
      "tailcar.yaml:3:52: sources.b.format.csv.columns: names a column twice",
      "tailcar.yaml:3:71: sources.b.format.csv.delimiter: expected one character other than a quote",
      "tailcar.yaml:3:89: sources.b.timeFormat: there is no directive %q; expected a format like %d/%b/%Y:%H:%M:%S %z",
      "tailcar.yaml:4:40: sources.c.timeFormat: needs a month, a day and an hour, like %d/%b/%Y %H:%M:%S, or %s",
    ],
  ],
  [
    "missing options stand where their parent does",
    `${SOURCES}sinks:\n  dd:\n    type: datadog\n  s:\n    type: splunkHec\n`,
    [
      "tailcar.yaml:3:3: sinks.dd.apiKey: missing; expected a string, here or in the variable DD_API_KEY",
      "tailcar.yaml:5:3: sinks.s.endpoint: missing; expected a string, here or in the variable SPLUNK_HEC_URL",
      "tailcar.yaml:5:3: sinks.s.token: missing; expected a string, here or in the variable SPLUNK_HEC_TOKEN",
    ],
  ],
  [
    "wrong kinds",
    `sources: {app: {include: /logs/x.log}}\nsinks: {out: {type: stdout}, in: }\nlog: loud\nmaxOpenFiles: many\nresource: [a]\n`,
    [
      "tailcar.yaml:1:26: sources.app.include: expected a list, got a string",
      "tailcar.yaml:2:30: sinks.in: expected a mapping, got nothing",
      "tailcar.yaml:3:6: log: expected a mapping, got a string",
      "tailcar.yaml:4:15: maxOpenFiles: expected a number, got a string",
      "tailcar.yaml:5:11: resource: expected a mapping, got a list",
    ],
  ],
  [
    "numbers where text is expected",
    `${SOURCES}${SINKS}resource: {version: 1.10, env: true}\n`,
    [
      "tailcar.yaml:3:21: resource.version: expected a string, got a number; put it in quotes",
      "tailcar.yaml:3:32: resource.env: expected a string, got true or false; put it in quotes",
    ],
  ],
  [
    "a duration that is missing",
    `${SOURCES}${SINKS}transforms: [throttle: {limit: 10}]\n`,
    [
      "tailcar.yaml:3:14: transforms[0].throttle.per: missing; expected a duration with its unit, like 250ms, 1.5s, 10m or 2h",
    ],
  ],
  [
    "durations and sizes",
    `${SOURCES}${SINKS}shutdown: {quietPeriod: 2, timeout: 0s, lastChance: 5 lightyears}\nmemory: {maxBuffered: 32 MiBs}\ncheckpoints: {interval: 1ms}\n`,
    [
      "tailcar.yaml:3:25: shutdown.quietPeriod: expected a duration with its unit, like 250ms, 1.5s, 10m or 2h",
      "tailcar.yaml:3:37: shutdown.timeout: must be at least 1ms",
      "tailcar.yaml:3:53: shutdown.lastChance: expected a duration with its unit, like 250ms, 1.5s, 10m or 2h",
      "tailcar.yaml:4:23: memory.maxBuffered: expected a size with its unit, like 512KiB, 1MiB or 5MB",
      "tailcar.yaml:5:25: checkpoints.interval: must be at least 10ms",
    ],
  ],
  [
    "numbers out of range",
    `${SOURCES}sinks: {d: {type: datadog, apiKey: k, level: 10}, e: {type: datadog, apiKey: '', level: 1.5}}\nmaxOpenFiles: 0\n`,
    [
      "tailcar.yaml:2:46: sinks.d.level: must be at most 9",
      "tailcar.yaml:2:78: sinks.e.apiKey: must not be empty",
      "tailcar.yaml:2:89: sinks.e.level: expected a whole number, got a number",
      "tailcar.yaml:3:15: maxOpenFiles: must be at least 1",
    ],
  ],
  [
    "sources: files or stdin, and stdin for one alone",
    `sources: {a: {format: raw}, b: {include: [/l/*], stdin: true}, c: {stdin: true}, d: {stdin: true}}\n${SINKS}`,
    [
      "tailcar.yaml:1:11: sources.a.include: needs at least one entry, or stdin: true",
      "tailcar.yaml:1:57: sources.b.stdin: files and stdin are two sources",
      "tailcar.yaml:1:75: sources.c.stdin: only one source can read stdin",
      "tailcar.yaml:1:93: sources.d.stdin: only one source can read stdin",
    ],
  ],
  [
    "unions: what was most probably meant is heard",
    `${SOURCES}sinks:\n  a: {type: splunkHec, endpoint: 'https://s:1', token: t, match: al}\n  b: {type: splunkHec, endpoint: 'https://s:1', token: t, match: {feild: x}}\n  c: {type: splunkHec, endpoint: 's', token: t, match: [a]}\n`,
    [
      'tailcar.yaml:3:66: sinks.a.match: unknown value "al"; did you mean "all"?',
      "tailcar.yaml:4:59: sinks.b.match.field: missing; expected a string",
      'tailcar.yaml:4:67: sinks.b.match.feild: unknown option; did you mean "field"?',
      "tailcar.yaml:5:34: sinks.c.endpoint: expected a URL, like https://host:8088",
      "tailcar.yaml:5:56: sinks.c.match: expected a mapping, got a list",
    ],
  ],
  [
    "names that are not usable",
    `sources: {"": {include: [/l/a]}, "a b": {include: [/l/a]}}\n${SINKS}`,
    [
      "tailcar.yaml:1:11: sources: the name of an option must be a plain word",
      'tailcar.yaml:1:34: sources.a…: not a usable name: at most 63 letters, digits, ".", "_" and "-", and a letter or digit first',
    ],
  ],
  [
    "duplicates, merge keys and prototypes",
    `${SOURCES}${SINKS}log: {level: info, level: debug}\nmaxOpenFiles: 1\n"maxOpenFiles": 2\n__proto__: {x: 1}\n<<: {a: 1}\n`,
    [
      "tailcar.yaml:3:20: log.level: given twice",
      "tailcar.yaml:5:1: maxOpenFiles: given twice",
      "tailcar.yaml:6:1: __proto__: unknown option",
      "tailcar.yaml:7:1: YAML merge keys are not supported; repeat the options",
    ],
  ],
  [
    "references that lead nowhere",
    `${SOURCES}sinks:\n  d: {type: datadog, apiKey: "\${DD_KEY}"}\n  s: {type: splunkHec, endpoint: "\${URL", token: "\${file:/run/none}"}\nmaxOpenFiles: \${N}\nlog: {level: \${A}\${B}}\n`,
    [
      "tailcar.yaml:3:30: sinks.d.apiKey: the environment variable DD_KEY is not set; set it, or name a file that holds it: ${file:/path}",
      'tailcar.yaml:4:34: sinks.s.endpoint: "${" must begin ${NAME}, ${NAME:-default} or ${file:/path}; write $${ for a literal "${"',
      "tailcar.yaml:4:50: sinks.s.token: cannot read the file /run/none: no such file or directory",
      "tailcar.yaml:5:15: maxOpenFiles: the environment variable N is not set; set it, or give a default: ${N:-default}",
      "tailcar.yaml:6:14: log.level: the environment variable A is not set; set it, or give a default: ${A:-default}",
      "tailcar.yaml:6:14: log.level: the environment variable B is not set; set it, or give a default: ${B:-default}",
    ],
  ],
  [
    "values from outside are judged, and not shown",
    `${SOURCES}sinks: {d: {type: datadog, apiKey: k, site: '\${S}', level: \${N}}}\nlog: {level: \${L}}\n`,
    [
      "tailcar.yaml:2:45: sinks.d.site: [hidden] is no site",
      "tailcar.yaml:2:60: sinks.d.level: expected a number, got a string",
      "tailcar.yaml:3:14: log.level: unknown value; expected one of error, warn, info, debug",
    ],
    { env: { S: "hidden-site", N: "hidden-n", L: "hidden-l" } },
  ],
  [
    "vendors' variables are named",
    `${SOURCES}sinks: {d: {type: datadog, apiKey: k}}\n`,
    ["tailcar.yaml:2:9: sinks.d.site: [hidden] is no site (from DD_SITE)"],
    { env: { DD_SITE: "nowhere" } },
  ],
  [
    "patterns that cannot be meant",
    `sources: {app: {include: ['!/logs/x', /logs/, ''], exclude: ['!y']}}\n${SINKS}`,
    [
      'tailcar.yaml:1:27: sources.app.include[0]: a pattern cannot be negated; list it under "exclude" without the "!"',
      "tailcar.yaml:1:39: sources.app.include[1]: names a directory; name files, like /var/log/app/*.log",
      "tailcar.yaml:1:47: sources.app.include[2]: must not be empty",
      'tailcar.yaml:1:62: sources.app.exclude[0]: a pattern cannot be negated; list it under "exclude" without the "!"',
    ],
  ],
  [
    "a state directory that is read",
    `stateDir: /logs/state\nsources:\n  app: {include: [/logs/**/*.log]}\n${SINKS}`,
    [
      "tailcar.yaml:1:11: stateDir: must lie apart from the directory that sources.app.include[0] reads, neither in it nor around it",
    ],
  ],
  [
    "a pattern that reads in the state directory, beside other problems",
    `sources:\n  app: {include: [/other/*.log, /var/lib/tailcar/x/*.log], formt: raw}\n${SINKS}`,
    [
      "tailcar.yaml:1:1: stateDir: must lie apart from the directory that sources.app.include[1] reads, neither in it nor around it",
      'tailcar.yaml:2:60: sources.app.formt: unknown option; did you mean "format"?',
    ],
  ],
  [
    "an alias of itself",
    `a: &x [*x]\n${SOURCES}${SINKS}`,
    ["tailcar.yaml:1:1: a: too many or too deeply nested options; does an alias contain itself?"],
  ],
];

describe("problems of a file", () => {
  test.for(cases)("%s", ([, text, problems, world]) => {
    expect(problemsOf(text, world)).toEqual(problems);
  });

  test("aliases that multiply are bounded", () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const items = level === 0 ? "x" : Array.from({ length: 10 }, () => `*a${level - 1}`).join(", ");
      return `a${level}: &a${level} [${items}]\n`;
    });
    expect(problemsOf(levels.join(""))).toEqual([
      "tailcar.yaml:5:1: a4: too many or too deeply nested options; does an alias contain itself?",
    ]);
  });

  test("a file of more than 1 MiB is refused unread", () => {
    expect(problemsOf("#".repeat(1_048_577))).toEqual(["tailcar.yaml:1:1: the file is larger than 1 MiB"]);
  });
});

describe("syntax errors", () => {
  const quote = "a value that begins with one of ! & * @ ` % must be quoted";
  test.for([
    ["a:\n\tb: 1\n", ["tailcar.yaml:2:1: not valid YAML: tabs are not allowed as indentation"]],
    ["a:\n  b: 1\n c: 2\n", ["tailcar.yaml:3:1: not valid YAML: all mapping items must start at the same column"]],
    ['a: "b\n', ['tailcar.yaml:2:1: not valid YAML: missing closing "quote']],
    [
      "token:hunter2\nb: 1\n",
      ['tailcar.yaml:1:1: not valid YAML: expected "name: value" on one line, with a space after the colon'],
    ],
    [
      'a: "\\d"\n',
      ["tailcar.yaml:1:5: not valid YAML: unknown escape in double quotes; single quotes take a backslash as it is"],
    ],
    ["a: @b\nc: `d\n", [`tailcar.yaml:1:4: not valid YAML: ${quote}`, `tailcar.yaml:2:4: not valid YAML: ${quote}`]],
    ["a: !b c\n", [`tailcar.yaml:1:4: unknown YAML tag; ${quote}`]],
    ['a: "b" c\n', ["tailcar.yaml:1:8: not valid YAML: unexpected text"]],
    ["a: 1\n---\nb: 1\n", ["tailcar.yaml:2:1: a configuration file holds one YAML document, not several"]],
  ] as const)("%j", ([text, problems]) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  test("an unquoted pattern that begins with an asterisk is explained", () => {
    expect(problemsOf(`sources:\n  app:\n    include: [**/*.log]\n${SINKS}`)).toEqual([
      'tailcar.yaml:3:15: sources.app.include[0]: a value that begins with "*" is a YAML alias and this one leads nowhere; quote it',
    ]);
  });

  test("a flood of them is cut short", () => {
    expect(problemsOf("a: @b\n".repeat(50)).length).toBe(10);
  });
});
