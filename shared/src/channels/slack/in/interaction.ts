// What a person did with a button, a menu or a slash command.
import { create } from "@bufbuild/protobuf";
import { type Interaction, Interaction_Kind, InteractionSchema } from "@mio/proto/gen/mio/v1/interaction_pb.ts";
import type { SlackAction, SlashCommand } from "./payload.ts";

/** `responseUrl` answers it, five times within half an hour. */
export function actionInteraction(action: SlackAction, responseUrl: string): Interaction {
  const value = chosenIn(action);
  return create(InteractionSchema, {
    kind: action.type === "button" ? Interaction_Kind.BUTTON : Interaction_Kind.MENU,
    key: action.action_id,
    values: value === undefined ? {} : { value },
    replyHandle: responseUrl,
  });
}

export function commandInteraction(command: SlashCommand): Interaction {
  return create(InteractionSchema, {
    kind: Interaction_Kind.SLASH_COMMAND,
    key: command.command.replace(/^\//, ""),
    values: command.text ? { value: command.text } : {},
    replyHandle: command.response_url ?? "",
  });
}

/** Several choices of one menu come as one value, with commas between. */
function chosenIn(action: SlackAction): string | undefined {
  const several = action.selected_options?.map((each) => each.value ?? "").join(",");
  const one = [
    action.value,
    action.selected_option?.value,
    several,
    action.selected_user,
    action.selected_conversation,
    action.selected_channel,
    action.selected_date,
    action.selected_time,
  ];
  return one.find((each) => each !== undefined && each !== null) ?? undefined;
}
