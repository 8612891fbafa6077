// The package has no types of its own; this is what of it is used.
declare module 'html-to-text' {
  export interface Node {
    readonly name: string;
    readonly attribs: Readonly<Record<string, string | undefined>>;
    readonly children: Node[];
  }
  export interface Builder {
    addInline(text: string): void;
    addLineBreak(): void;
    openBlock(options: object): void;
    closeBlock(options: object): void;
  }
  type Formatter = (
    node: Node,
    walk: (nodes: Node[], builder: Builder) => void,
    builder: Builder,
    options: object,
  ) => void;
  export function convert(
    html: string,
    options: {
      wordwrap: false;
      baseElements: { selectors: readonly string[] };
      whitespaceCharacters: string;
      limits: object;
      formatters: Record<string, Formatter>;
      selectors: { selector: string; format: string; options?: object }[];
    },
  ): string;
}
