import { playPart } from "./in-process.ts";

playPart(1, 2);
