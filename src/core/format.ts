/** Formats that need no options. The first is the default. */
export const FORMAT_NAMES = ["auto", "raw", "json", "logfmt", "nginx", "apache", "syslog", "klog"] as const;

export type FormatName = (typeof FORMAT_NAMES)[number];

/** What container runtimes write around the lines of an application. */
export const CONTAINER_NAMES = ["cri", "docker"] as const;

export type ContainerName = (typeof CONTAINER_NAMES)[number];

/** How the lines of a source are read: a format by its name, or one of those with options. */
export type FormatSetting = FormatName | ContainerName | OwnFormat;

export interface OwnFormat {
  /** `delimiter` is one character. */
  readonly csv?: { readonly columns: readonly string[]; readonly delimiter: string } | undefined;
  /** A pattern in RE2 syntax with named groups. */
  readonly regex?: string | undefined;
}
