// A whole number of a command line, within bounds.
import { InvalidArgumentError } from "commander";

/** For commander's options: the parser throws what commander shows beside the option's name. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`give a whole number from ${min} to ${max}.`);
    return value;
  };
}
