import { playPart } from "./in-process.ts";

playPart(2, 2);
