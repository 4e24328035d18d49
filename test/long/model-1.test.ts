import { playPart } from "./model.ts";

playPart(1, 2);
