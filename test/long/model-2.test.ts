import { playPart } from "./model.ts";

playPart(2, 2);
