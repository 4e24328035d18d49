import { expect, test } from "vitest";
import { withoutAnswer } from "../../src/core/outcome.ts";
import { describeReply } from "../../src/sinks/http/reply.ts";

const answered = describeReply({ status: 400, headers: {}, body: '{"echo": "a line: HTTP 200: of the log"}' });

test.each([
  [answered, "HTTP 400"],
  [
    `massRejection: most of the last records were refused: ${answered}`,
    "massRejection: most of the last records were refused: HTTP 400",
  ],
  ["the credentials are refused: HTTP 403", "the credentials are refused: HTTP 403"],
  ["connect ECONNREFUSED 127.0.0.1:80", "connect ECONNREFUSED 127.0.0.1:80"],
])("%s without the answer is %s", (reason, expected) => expect(withoutAnswer(reason)).toBe(expected));
