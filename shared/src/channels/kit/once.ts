// What is made when it is first asked for, and once: how a webhook is parsed by whoever asks first, and by nobody when nobody asks.

export function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
