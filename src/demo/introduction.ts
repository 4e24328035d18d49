/** What a person who looks at the demo should know. At most 80 columns wide, but for the directory. */
export const introduction = (directory: string, intakePort: number): string => `tailcar demo
  application  writes JSON lines, stack traces and nginx access lines to
               ${directory}/logs, and rotates the files by rename
  tailcar      follows logs/*.log and ships every line to three sinks: stdout,
               and datadog and splunk at a local HTTP intake on port ${intakePort}
  outages      the intake answers 429 with Retry-After or 503 on purpose now and
               then: that sink backs off and catches up, the others go on
  live line    lines written | for each sink: delivered, +bytes pending, state
  the end      Ctrl-C stops the application, delivers the rest and checks it all
`;
