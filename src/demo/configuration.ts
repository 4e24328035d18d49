/** The demo's configuration file. Paths count from the demo's temporary directory. */
export const demoConfiguration = (intakePort: number): string => `
stateDir: state
resource: { service: shop, env: demo, version: 1.0.0 }
sources:
  shop:
    include: ["logs/*.log"]
    flushAfter: 200ms
    rotated: { grace: 5s }
sinks:
  datadog:
    type: datadog
    endpoint: http://127.0.0.1:${intakePort}
    apiKey: demo
    ddsource: nodejs
    batch: { maxAge: 400ms }
  splunk:
    type: splunkHec
    endpoint: http://127.0.0.1:${intakePort}
    token: demo
    batch: { maxAge: 400ms }
  stdout:
    type: stdout
shutdown: { quietPeriod: 500ms, timeout: 10s }
log: { format: pretty }
`;
