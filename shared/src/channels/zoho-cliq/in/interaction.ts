// What somebody pressed or ran instead of writing: slash command, button, form, menu, message action.
import { create } from "@bufbuild/protobuf";
import { type Interaction, Interaction_Kind, InteractionSchema } from "@mio/proto/gen/mio/v1/interaction_pb.ts";
import type { CliqPayload } from "./payload.ts";

/** The interaction, and the text that a person would have had to write for it: of a command its line, else nothing. */
export function interactionOf(payload: CliqPayload): { interaction: Interaction; text: string } {
  const values = valuesOf(payload.arguments);
  const interaction = create(InteractionSchema, { kind: kindOf(payload), values, replyHandle: payload.responseUrl });
  // A button's own key travels in its arguments; without one its label is what tells it from others of the same function.
  interaction.key =
    interaction.kind === Interaction_Kind.BUTTON ? values.key || payload.targetName || payload.name : payload.name;
  return {
    interaction,
    text: interaction.kind === Interaction_Kind.SLASH_COMMAND ? `/${payload.name} ${values.value ?? ""}`.trimEnd() : "",
  };
}

function kindOf({ handler, type }: CliqPayload): Interaction_Kind {
  if (handler?.startsWith("button")) return Interaction_Kind.BUTTON;
  if (handler?.startsWith("form")) return Interaction_Kind.MODAL_SUBMIT;
  return type === "command" ? Interaction_Kind.SLASH_COMMAND : Interaction_Kind.MENU;
}

function valuesOf(args: CliqPayload["arguments"]): Record<string, string> {
  if (typeof args === "string") return args === "" ? {} : { value: args };
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}
